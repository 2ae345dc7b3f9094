-- Taking entries off the dirty queue was one DELETE that joined the queue with a LIMIT of it. Where the queue was empty
-- when it was last vacuumed but its pages stayed, which is how it mostly is, the planner took the LIMIT for the cheaper
-- inner side: evaluated anew for each entry, in the order of users, it locked entries that were not taken. The batch was
-- not full, so the caller thought the queue drained, and what was left waited for the next tick.
--
-- Now each entry goes where the cursor stands: there is no join to plan, and what is locked is taken. As before (015)
-- otherwise.
CREATE OR REPLACE FUNCTION mana_ai.take_dirty(p_limit integer, p_now timestamptz DEFAULT now(), p_from bigint DEFAULT 0)
RETURNS TABLE (id bigint, user_id text, mission_id text, change_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_first CURSOR FOR
    SELECT q.id, q.user_id, q.mission_id, q.change_id FROM mana_ai.mission_dirty q
    WHERE q.id >= p_from AND q.not_before <= p_now
    ORDER BY q.id LIMIT p_limit FOR UPDATE SKIP LOCKED;
BEGIN
  FOR v_entry IN v_first LOOP
    DELETE FROM mana_ai.mission_dirty WHERE CURRENT OF v_first;
    id := v_entry.id;
    user_id := v_entry.user_id;
    mission_id := v_entry.mission_id;
    change_id := v_entry.change_id;
    RETURN NEXT;
  END LOOP;
END $$;
