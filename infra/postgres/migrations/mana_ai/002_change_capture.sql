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
  g record;
BEGIN
  FOR g IN SELECT k.user_id, array_agg(k.ord::integer) AS ords, array_agg(k.app) AS apps,
                  array_agg(k.tab) AS tables, array_agg(k.record) AS records
           FROM unnest(p_users, p_apps, p_tables, p_records) WITH ORDINALITY AS k(user_id, app, tab, record, ord)
           GROUP BY k.user_id LOOP
    PERFORM set_config('app.current_user_id', g.user_id, true);
    RETURN QUERY
      SELECT k.ord, c.id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.op, c.data::text,
             c.field_timestamps::text
      FROM unnest(g.ords, g.apps, g.tables, g.records) AS k(ord, app, tab, record)
      CROSS JOIN LATERAL (
        SELECT h.id, h.created_at, h.op, h.data, h.field_timestamps FROM public.sync_changes h
        WHERE h.table_name = k.tab AND h.record_id = k.record AND h.user_id = g.user_id AND h.app_id = k.app
        ORDER BY h.created_at, h.id) c;
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
-- 'updated' or 'removed' for each, and nothing where there was nothing to remove.
CREATE FUNCTION mana_ai.store_snapshots(p_users text[], p_missions text[], p_records text[],
  p_applied_us bigint[], p_applied_ids uuid[], p_slots_us bigint[], p_holds text[])
RETURNS TABLE (ord integer, what text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  g record;
BEGIN
  -- Derived state: when a crash of the database forgets it, the dirty entries are back as well.
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR g IN SELECT m.user_id, array_agg(m.ord::integer) AS ords, array_agg(m.mission_id) AS missions,
                  array_agg(m.record) AS records, array_agg(m.applied_us) AS applied_us,
                  array_agg(m.applied_id) AS applied_ids, array_agg(m.slot_us) AS slots_us, array_agg(m.hold) AS holds
           FROM unnest(p_users, p_missions, p_records, p_applied_us, p_applied_ids, p_slots_us, p_holds)
             WITH ORDINALITY AS m(user_id, mission_id, record, applied_us, applied_id, slot_us, hold, ord)
           GROUP BY m.user_id LOOP
    PERFORM set_config('app.current_user_id', g.user_id, true);
    RETURN QUERY
      WITH gone AS (
        DELETE FROM mana_ai.mission_snapshots s
        USING unnest(g.ords, g.missions, g.records) AS m(ord, mission_id, record)
        WHERE m.record IS NULL AND s.user_id = g.user_id AND s.mission_id = m.mission_id
        RETURNING m.ord)
      SELECT d.ord, 'removed' FROM gone d;
    RETURN QUERY
      WITH stored AS (
        INSERT INTO mana_ai.mission_snapshots AS s
          (user_id, mission_id, record, last_applied_at, last_applied_id, slot_at, hold, claimable_at)
        SELECT g.user_id, m.mission_id, m.record::jsonb,
               timestamptz 'epoch' + m.applied_us * interval '1 microsecond', m.applied_id,
               timestamptz 'epoch' + m.slot_us * interval '1 microsecond', m.hold,
               CASE WHEN m.hold IS NULL THEN timestamptz 'epoch' + m.slot_us * interval '1 microsecond' END
        FROM unnest(g.missions, g.records, g.applied_us, g.applied_ids, g.slots_us, g.holds)
          AS m(mission_id, record, applied_us, applied_id, slot_us, hold)
        WHERE m.record IS NOT NULL
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
        RETURNING s.mission_id, s.xmax = 0 AS created)
      SELECT m.ord, CASE WHEN w.created THEN 'created' ELSE 'updated' END
      FROM stored w JOIN unnest(g.ords, g.missions) AS m(ord, mission_id) USING (mission_id);
    PERFORM mana_ai.requeue_user(g.user_id);
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION mana_ai.lock_snapshots(text[], text[]), mana_ai.read_changes(text[], uuid[]),
  mana_ai.read_history(text[], text[], text[], text[]), mana_ai.requeue_user(text),
  mana_ai.store_snapshots(text[], text[], text[], bigint[], uuid[], bigint[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.lock_snapshots(text[], text[]), mana_ai.read_changes(text[], uuid[]),
  mana_ai.read_history(text[], text[], text[], text[]), mana_ai.requeue_user(text),
  mana_ai.store_snapshots(text[], text[], text[], bigint[], uuid[], bigint[], text[]) TO mana_ai_runner;
