-- From the change log to the dirty queue, and from there to the refresher.

-- Notes a changed mission in the writer's own transaction, so that no commit order can hide it. The
-- runner's own write-back updates the snapshot in the same transaction and says so by a setting
-- that lasts as long as that transaction.
CREATE FUNCTION mana_ai.note_mission_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('mana_ai.snapshot_is_current', true) = 'on' THEN
    RETURN NULL;
  END IF;
  INSERT INTO mana_ai.mission_dirty (user_id, mission_id, change_id)
  VALUES (NEW.user_id, NEW.record_id, NEW.id);
  PERFORM pg_notify('mana_ai_log', '');
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION mana_ai.note_mission_change() FROM PUBLIC;

CREATE TRIGGER mana_ai_note_mission_change AFTER INSERT ON public.sync_changes
  FOR EACH ROW WHEN (NEW.app_id = 'ai' AND NEW.table_name = 'aiMissions')
  EXECUTE FUNCTION mana_ai.note_mission_change();

-- enable_seqscan, here and below: a session keeps the plans of a function. One that was made while a
-- table was empty would read all of it for every mission once it is full.

-- Takes up to p_limit entries off the queue, oldest first; replicas share it without waiting for
-- each other. The entries come back when the caller's transaction does not commit.
CREATE FUNCTION mana_ai.take_dirty(p_limit integer, p_now timestamptz DEFAULT now())
RETURNS TABLE (id bigint, user_id text, mission_id text, change_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  DELETE FROM mana_ai.mission_dirty d
  USING (SELECT q.id FROM mana_ai.mission_dirty q WHERE q.not_before <= p_now
         ORDER BY q.id LIMIT p_limit FOR UPDATE SKIP LOCKED) t
  WHERE d.id = t.id
  RETURNING d.id, d.user_id, d.mission_id, d.change_id
$$;

-- Like take_dirty for named entries: to fold them one by one after a batch failed.
CREATE FUNCTION mana_ai.take_dirty_entries(p_ids bigint[])
RETURNS TABLE (id bigint, user_id text, mission_id text, change_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  DELETE FROM mana_ai.mission_dirty d
  USING (SELECT q.id FROM mana_ai.mission_dirty q WHERE q.id = ANY (p_ids)
         ORDER BY q.id FOR UPDATE SKIP LOCKED) t
  WHERE d.id = t.id
  RETURNING d.id, d.user_id, d.mission_id, d.change_id
$$;

-- Puts off entries that could not be folded: one minute, doubling up to about an hour.
CREATE FUNCTION mana_ai.defer_dirty(p_ids bigint[], p_now timestamptz DEFAULT now()) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  UPDATE mana_ai.mission_dirty
  SET failures = failures + 1, not_before = p_now + interval '1 minute' * (1 << least(failures, 6))
  WHERE id = ANY (p_ids)
$$;

REVOKE ALL ON FUNCTION mana_ai.take_dirty(integer, timestamptz), mana_ai.take_dirty_entries(bigint[]),
  mana_ai.defer_dirty(bigint[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.take_dirty(integer, timestamptz), mana_ai.take_dirty_entries(bigint[]),
  mana_ai.defer_dirty(bigint[], timestamptz) TO mana_ai_runner;

-- The functions below run with the caller's rights. They set app.current_user_id before each user's
-- statements, so row level security judges every row while one round trip serves many users. Their
-- array parameters run in parallel; users come in ascending order.

-- Locks the users of the given missions and returns the missions' snapshots, where there are any.
CREATE FUNCTION mana_ai.lock_snapshots(p_users text[], p_missions text[])
RETURNS TABLE (ord integer, record text, applied_us bigint, applied_id uuid)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  i integer;
BEGIN
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      v_user := p_users[i];
      PERFORM set_config('app.current_user_id', v_user, true);
      PERFORM FROM mana_ai.user_turns t WHERE t.user_id = v_user FOR UPDATE;
      IF NOT FOUND THEN
        INSERT INTO mana_ai.user_turns (user_id) VALUES (v_user) ON CONFLICT DO NOTHING;
        PERFORM FROM mana_ai.user_turns t WHERE t.user_id = v_user FOR UPDATE;
      END IF;
    END IF;
    RETURN QUERY
      SELECT i, s.record::text, (extract(epoch FROM s.last_applied_at) * 1000000)::bigint, s.last_applied_id
      FROM mana_ai.mission_snapshots s WHERE s.user_id = v_user AND s.mission_id = p_missions[i];
  END LOOP;
END $$;

-- The named rows of the log, each under its user.
CREATE FUNCTION mana_ai.read_changes(p_users text[], p_changes uuid[])
RETURNS TABLE (ord integer, id uuid, created_us bigint, op text, data text, field_timestamps text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  i integer;
BEGIN
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      v_user := p_users[i];
      PERFORM set_config('app.current_user_id', v_user, true);
    END IF;
    RETURN QUERY
      SELECT i, c.id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.op, c.data::text,
             c.field_timestamps::text
      FROM public.sync_changes c WHERE c.id = p_changes[i] AND c.user_id = v_user;
  END LOOP;
END $$;

-- All rows of the given records, in the order in which they merge.
CREATE FUNCTION mana_ai.read_history(p_users text[], p_apps text[], p_tables text[], p_records text[])
RETURNS TABLE (ord integer, id uuid, created_us bigint, op text, data text, field_timestamps text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  i integer;
BEGIN
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      v_user := p_users[i];
      PERFORM set_config('app.current_user_id', v_user, true);
    END IF;
    RETURN QUERY
      SELECT i, c.id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.op, c.data::text,
             c.field_timestamps::text
      FROM public.sync_changes c
      WHERE c.table_name = p_tables[i] AND c.record_id = p_records[i]
        AND c.user_id = v_user AND c.app_id = p_apps[i]
      ORDER BY c.created_at, c.id;
  END LOOP;
END $$;

-- When the current user joins the line (see user_turns). Called with the user's row locked. Not in
-- SQL: such a function is planned anew at every call.
CREATE FUNCTION mana_ai.requeue_user(p_user text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE mana_ai.user_turns t
  SET queue_at = greatest(n.next_at, t.served_at)
  FROM (SELECT coalesce(min(s.claimable_at), 'infinity') AS next_at FROM mana_ai.mission_snapshots s
        WHERE s.user_id = p_user AND s.claimable_at IS NOT NULL) n
  WHERE t.user_id = p_user AND t.queue_at <> greatest(n.next_at, t.served_at);
END $$;

-- Stores merged missions; a null record removes the snapshot. A new slot starts with no attempts; a
-- slot that is being retried keeps its time; a leased mission stays with its planner. Returns 'created',
-- 'updated' or 'removed' for each, or null where there was nothing to remove.
CREATE FUNCTION mana_ai.store_snapshots(p_users text[], p_missions text[], p_records text[],
  p_applied_us bigint[], p_applied_ids uuid[], p_slots_us bigint[], p_holds text[])
RETURNS TABLE (ord integer, what text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  v_slot timestamptz;
  v_created boolean;
  i integer;
BEGIN
  -- Derived state: when a crash of the database forgets it, the dirty entries are back as well.
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      IF v_user IS NOT NULL THEN
        PERFORM mana_ai.requeue_user(v_user);
      END IF;
      v_user := p_users[i];
      PERFORM set_config('app.current_user_id', v_user, true);
    END IF;
    ord := i;
    what := NULL;
    IF p_records[i] IS NULL THEN
      DELETE FROM mana_ai.mission_snapshots s WHERE s.user_id = v_user AND s.mission_id = p_missions[i];
      IF FOUND THEN
        what := 'removed';
      END IF;
    ELSE
      v_slot := timestamptz 'epoch' + p_slots_us[i] * interval '1 microsecond';
      INSERT INTO mana_ai.mission_snapshots AS s
        (user_id, mission_id, record, last_applied_at, last_applied_id, slot_at, hold, claimable_at)
      VALUES (v_user, p_missions[i], p_records[i]::jsonb,
              timestamptz 'epoch' + p_applied_us[i] * interval '1 microsecond', p_applied_ids[i],
              v_slot, p_holds[i], CASE WHEN p_holds[i] IS NULL THEN v_slot END)
      ON CONFLICT (user_id, mission_id) DO UPDATE SET
        record = excluded.record,
        last_applied_at = excluded.last_applied_at,
        last_applied_id = excluded.last_applied_id,
        updated_at = now(),
        slot_at = excluded.slot_at,
        hold = excluded.hold,
        claimable_at = CASE
          WHEN s.lease_token IS NOT NULL OR excluded.hold IS NOT NULL THEN NULL
          WHEN s.slot_at = excluded.slot_at THEN coalesce(s.claimable_at, excluded.slot_at)
          ELSE excluded.slot_at END,
        attempt = CASE WHEN s.slot_at = excluded.slot_at OR s.lease_token IS NOT NULL THEN s.attempt ELSE 0 END,
        last_error = CASE WHEN s.slot_at = excluded.slot_at THEN s.last_error END
      RETURNING xmax = 0 INTO v_created;
      what := CASE WHEN v_created THEN 'created' ELSE 'updated' END;
    END IF;
    RETURN NEXT;
  END LOOP;
  IF v_user IS NOT NULL THEN
    PERFORM mana_ai.requeue_user(v_user);
  END IF;
END $$;

REVOKE ALL ON FUNCTION mana_ai.lock_snapshots(text[], text[]), mana_ai.read_changes(text[], uuid[]),
  mana_ai.read_history(text[], text[], text[], text[]), mana_ai.requeue_user(text),
  mana_ai.store_snapshots(text[], text[], text[], bigint[], uuid[], bigint[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.lock_snapshots(text[], text[]), mana_ai.read_changes(text[], uuid[]),
  mana_ai.read_history(text[], text[], text[], text[]), mana_ai.requeue_user(text),
  mana_ai.store_snapshots(text[], text[], text[], bigint[], uuid[], bigint[], text[]) TO mana_ai_runner;
