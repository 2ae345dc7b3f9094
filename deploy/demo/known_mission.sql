-- One row when the demo mission is in the log already.
begin;
select set_config('app.current_user_id', :'user', true) \g /dev/null
select 1 from public.sync_changes
where user_id = :'user' and app_id = 'ai' and table_name = 'aiMissions' and record_id = 'demo-mission'
limit 1;
commit;
