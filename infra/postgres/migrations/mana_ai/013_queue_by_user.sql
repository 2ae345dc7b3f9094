-- Taking entries off the dirty queue names their users, so that a queue that is partitioned by user
-- (deploy/sql/40_partition_by_user.sql) is asked for each entry in one partition and not in all. Otherwise as before
-- (migration 002). The joins are for nested loops only: a partition is chosen while one runs, which no estimate sees.

CREATE OR REPLACE FUNCTION mana_ai.take_dirty(p_limit integer, p_now timestamptz DEFAULT now())
RETURNS TABLE (id bigint, user_id text, mission_id text, change_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  DELETE FROM mana_ai.mission_dirty d
  USING (SELECT q.id, q.user_id FROM mana_ai.mission_dirty q WHERE q.not_before <= p_now
         ORDER BY q.id LIMIT p_limit FOR UPDATE SKIP LOCKED) t
  WHERE d.id = t.id AND d.user_id = t.user_id
  RETURNING d.id, d.user_id, d.mission_id, d.change_id
$$;

CREATE OR REPLACE FUNCTION mana_ai.take_dirty_entries(p_ids bigint[])
RETURNS TABLE (id bigint, user_id text, mission_id text, change_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  DELETE FROM mana_ai.mission_dirty d
  USING (SELECT q.id, q.user_id FROM mana_ai.mission_dirty q WHERE q.id = ANY (p_ids)
         ORDER BY q.id FOR UPDATE SKIP LOCKED) t
  WHERE d.id = t.id AND d.user_id = t.user_id
  RETURNING d.id, d.user_id, d.mission_id, d.change_id
$$;
