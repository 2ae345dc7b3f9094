-- The demo user's data, written as a browser would write it: rows of the change log, by the sync service's login, in
-- the user's scope. Fixed record ids: a second run adds nothing.
begin;
select set_config('app.current_user_id', 'demo-user', true) \g /dev/null

with clock as (
  select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as stamp
), seed (app_id, table_name, record_id, data) as (
  values
    ('companion', 'companionGoals', 'demo-goal-running', '{
       "title": "Dreimal pro Woche laufen", "status": "active", "currentValue": 1,
       "target": {"value": 3, "period": "week", "comparison": "gte"}
     }'::jsonb),
    ('companion', 'companionGoals', 'demo-goal-water', '{
       "title": "Acht Gläser Wasser am Tag", "status": "active", "currentValue": 4, "period": "day",
       "target": {"value": 8, "comparison": "gte"}
     }'),
    ('ai', 'aiMissions', 'demo-mission', '{
       "title": "Fit durch den Alltag",
       "objective": "Hilf mir, meine Ziele in dieser Woche zu erreichen.",
       "conceptMarkdown": "Kleine Schritte am Morgen; höchstens drei Vorschläge je Tag.",
       "inputs": [{"module": "goals", "table": "companionGoals", "id": "demo-goal-running"},
                  {"module": "goals", "table": "companionGoals", "id": "demo-goal-water"}],
       "cadence": {"kind": "daily", "atHour": 7, "atMinute": 0}, "timeZone": "Europe/Berlin",
       "state": "active", "iterations": []
     }')
)
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select app_id, table_name, record_id, 'demo-user', 'demo-browser', 'insert',
       data || jsonb_build_object('id', record_id, 'userId', 'demo-user', 'createdAt', stamp, 'updatedAt', stamp)
            || case when app_id = 'ai' then jsonb_build_object('nextRunAt', stamp) else '{}' end,
       '{"kind": "user"}'
from seed, clock
where not exists (
  select from public.sync_changes known
  where known.user_id = 'demo-user' and known.table_name = seed.table_name and known.record_id = seed.record_id);
commit;
