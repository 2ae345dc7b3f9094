-- The fields in temporary table `incoming` change, stamped now, as the sync service would write it.
begin;
select set_config('app.current_user_id', :'user', true);
insert into public.sync_changes
  (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor)
select :'app', :'table', :'id', :'user', 'e2e-browser', 'update', data,
       (select jsonb_object_agg(field, stamp) from jsonb_object_keys(data) field), '{"kind": "user"}'
from to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') stamp, incoming,
     lateral (select changed || jsonb_build_object('updatedAt', stamp)) c (data);
commit;
