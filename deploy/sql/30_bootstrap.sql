-- Missions that were in the log before the trigger was. Run once as superuser (it looks across all
-- users), after `mana-ai migrate`; safe to run again: a mission that is queued or has a snapshot is
-- left alone. The running service then builds the snapshots.
SET ROLE NONE;
INSERT INTO mana_ai.mission_dirty (user_id, mission_id)
SELECT DISTINCT c.user_id, c.record_id
FROM public.sync_changes c
WHERE c.app_id = 'ai' AND c.table_name = 'aiMissions'
  AND NOT EXISTS (SELECT FROM mana_ai.mission_snapshots s
                  WHERE s.user_id = c.user_id AND s.mission_id = c.record_id)
  AND NOT EXISTS (SELECT FROM mana_ai.mission_dirty d
                  WHERE d.user_id = c.user_id AND d.mission_id = c.record_id AND d.change_id IS NULL)
ORDER BY 1, 2;
SELECT pg_notify('mana_ai_log', '');
