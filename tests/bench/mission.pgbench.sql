-- What one run costs in SQL, one mission at a time: claim, read its two goals, write the iteration back. The payload
-- is one that the runner stored; pgbench passes it as parameters, like the runner does.
SELECT coalesce(c.user_id, '') AS user_id, c.mission_id, c.lease_token, c.slot_us, c.record
FROM (SELECT) one LEFT JOIN mana_ai.claim_missions(1, 10, interval '15 seconds', 'pgbench') c ON true \gset m_
SELECT :m_user_id::text <> '' AS claimed \gset
\if :claimed
BEGIN;
SELECT * FROM mana_ai.read_history(ARRAY[:m_user_id, :m_user_id]::text[], ARRAY['companion', 'companion'],
  ARRAY['companionGoals', 'companionGoals'],
  ARRAY['goal-' || :m_user_id::text || '-1', 'goal-' || :m_user_id::text || '-2']);
COMMIT;
BEGIN;
SELECT * FROM mana_ai.lock_runs(ARRAY[:m_user_id]::text[], ARRAY[:m_mission_id]::text[], ARRAY[:m_lease_token]::uuid[]);
SELECT mana_ai.write_iterations(ARRAY[:m_user_id]::text[], ARRAY[:m_mission_id]::text[], ARRAY[:m_lease_token]::uuid[],
  ARRAY[gen_random_uuid()], ARRAY[:data]::text[], ARRAY[:stamps]::text[], ARRAY[:record]::text[],
  ARRAY[(extract(epoch FROM now()) * 1000000)::bigint], ARRAY[gen_random_uuid()],
  ARRAY[:m_slot_us::bigint + 86400000000], ARRAY['waiting-for-review']::text[], ARRAY[NULL]::text[]);
COMMIT;
\endif
