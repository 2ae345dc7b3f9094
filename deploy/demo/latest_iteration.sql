-- The newest iteration of the demo mission as the runner stored it; no row while there is none.
begin;
select set_config('app.current_user_id', :'user', true) \g /dev/null
select iteration
from public.sync_changes change, jsonb_array_elements(change.data -> 'iterations') iteration
where change.user_id = :'user' and change.table_name = 'aiMissions' and change.record_id = 'demo-mission'
  and change.client_id = 'mana-ai-runner'
order by iteration ->> 'startedAt' desc, change.created_at desc, change.id desc
limit 1;
commit;
