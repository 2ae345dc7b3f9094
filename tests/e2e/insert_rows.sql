-- Rows of temporary table `incoming` become rows of the log, as the sync service would write them.
begin;
select set_config('app.current_user_id', :'user', true);
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select entry ->> 'app', entry ->> 'table', entry ->> 'id', :'user', 'e2e-browser', 'insert',
       jsonb_build_object('id', entry ->> 'id', 'userId', :'user', 'createdAt', stamp, 'updatedAt', stamp)
         || (entry -> 'data'),
       '{"kind": "user"}'
from to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') stamp, incoming
order by n;
commit;
