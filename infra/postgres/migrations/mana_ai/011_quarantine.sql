-- Missions that end their runners, and leases that nobody keeps.

CREATE INDEX mission_snapshots_quarantined ON mana_ai.mission_snapshots (quarantined_at)
  WHERE quarantined_at IS NOT NULL;

-- Ends leases of p_user whose runs ended with their runner. Nobody knows how far these came: the attempt
-- counts, and the tokens reserved for them stay spent. Called with the user's row locked.
--
-- After its first crash in a row a mission is claimable at once. After a second one it rests, so that a bad
-- hour of the infrastructure does not look like the mission's fault, and for a random time, so that missions
-- which fell with one runner do not all meet again on the next. After a third the next claim is only to
-- tell the user (planner_config::max_crashes); when that one does not come to its end either, the mission is
-- quarantined here.
CREATE FUNCTION mana_ai.end_crashed_runs(p_user text, p_tokens uuid[], p_why text)
RETURNS TABLE (token uuid, mission_id text, quarantined boolean)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY
  UPDATE mana_ai.mission_snapshots s
  SET lease_token = NULL, lease_until = NULL, lease_owner = NULL, stop_requested = false, reserved_tokens = 0,
      crashes = s.crashes + 1,
      quarantined_at = CASE WHEN s.crashes >= 3 THEN clock_timestamp() END,
      hold = CASE WHEN s.crashes >= 3 THEN 'quarantined' ELSE s.hold END,
      claimable_at = CASE
        WHEN s.hold IS NOT NULL OR s.crashes >= 3 THEN NULL
        WHEN s.crashes = 0 THEN s.slot_at
        ELSE greatest(s.slot_at, clock_timestamp() + interval '30 seconds' * (1 + random())) END,
      last_error = CASE WHEN s.crashes >= 3
        THEN format('quarantined: %s runs in a row ended with their runner', s.crashes + 1) ELSE p_why END
  FROM unnest(p_tokens) AS t(token)
  WHERE s.user_id = p_user AND s.lease_token IS NOT NULL AND s.lease_token = t.token
  RETURNING t.token, s.mission_id, s.quarantined_at IS NOT NULL;
  PERFORM mana_ai.requeue_user(p_user);
END $$;

-- Ends the runs whose lease has ended, of replicas that died or lost touch.
CREATE FUNCTION mana_ai.rescue_crashed_runs(p_limit integer)
RETURNS TABLE (user_id text, mission_id text, quarantined boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_users text[];
  v_user text;
BEGIN
  SELECT array_agg(l.user_id) INTO v_users
  FROM (SELECT t.user_id FROM mana_ai.user_turns t
        WHERE t.user_id IN (SELECT s.user_id FROM mana_ai.mission_snapshots s
                            WHERE s.lease_token IS NOT NULL AND s.lease_until <= clock_timestamp() LIMIT p_limit)
        ORDER BY t.user_id FOR UPDATE SKIP LOCKED) l;
  IF v_users IS NULL THEN
    RETURN;
  END IF;
  FOREACH v_user IN ARRAY v_users LOOP
    RETURN QUERY
    SELECT v_user, e.mission_id, e.quarantined
    FROM mana_ai.end_crashed_runs(v_user,
      ARRAY(SELECT s.lease_token FROM mana_ai.mission_snapshots s
            WHERE s.user_id = v_user AND s.lease_token IS NOT NULL AND s.lease_until <= clock_timestamp()),
      'lease_lost: the replica that ran this attempt did not finish') e;
  END LOOP;
END $$;

-- For the release before this one.
CREATE OR REPLACE FUNCTION mana_ai.rescue_missions(p_limit integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*)::integer FROM mana_ai.rescue_crashed_runs(p_limit)
$$;

-- Extends the given leases and returns those whose runs have to end: `lost`, of somebody else by now, gone, or
-- ended by time, which nothing revives; `stopped`, still held, but under a grant that was withdrawn. Rows
-- that a finishing transaction has locked are passed over: they need no longer lease.
CREATE FUNCTION mana_ai.renew_held_leases(p_users text[], p_missions text[], p_tokens uuid[], p_lease interval)
RETURNS TABLE (ord integer, what text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE mana_ai.mission_snapshots s
  SET lease_until = clock_timestamp() + p_lease
  FROM (SELECT h.user_id, h.mission_id FROM mana_ai.mission_snapshots h
        JOIN unnest(p_users, p_missions, p_tokens) AS l(user_id, mission_id, token)
          ON h.user_id = l.user_id AND h.mission_id = l.mission_id AND h.lease_token = l.token
        WHERE h.lease_until > clock_timestamp()
        ORDER BY h.user_id, h.mission_id FOR UPDATE OF h SKIP LOCKED) held
  WHERE s.user_id = held.user_id AND s.mission_id = held.mission_id;
  RETURN QUERY
  SELECT l.ord::integer, CASE WHEN s.stop_requested THEN 'stopped' ELSE 'lost' END
  FROM unnest(p_users, p_missions, p_tokens) WITH ORDINALITY AS l(user_id, mission_id, token, ord)
  LEFT JOIN mana_ai.mission_snapshots s
    ON s.user_id = l.user_id AND s.mission_id = l.mission_id AND s.lease_token = l.token
       AND s.lease_until > clock_timestamp()
  WHERE s.user_id IS NULL OR s.stop_requested;
END $$;

-- For the release before this one, which learns of withdrawn grants by notification alone.
CREATE OR REPLACE FUNCTION mana_ai.renew_leases(p_users text[], p_missions text[], p_tokens uuid[], p_lease interval)
RETURNS TABLE (lost_ord integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.ord FROM mana_ai.renew_held_leases(p_users, p_missions, p_tokens, p_lease) r WHERE r.what = 'lost'
$$;

-- As before, but a lease that has ended by time is not held, even if nobody else has claimed the mission yet.
CREATE OR REPLACE FUNCTION mana_ai.lock_runs(p_users text[], p_missions text[], p_tokens uuid[])
RETURNS TABLE (ord integer, record text, slot_us bigint, applied_us bigint, applied_id uuid, pending uuid[],
               refold boolean, now_us bigint)
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
    END IF;
    RETURN QUERY
      SELECT i, s.record::text, (extract(epoch FROM s.slot_at) * 1000000)::bigint,
             (extract(epoch FROM s.last_applied_at) * 1000000)::bigint, s.last_applied_id,
             d.changes, coalesce(d.refold, false), (extract(epoch FROM now()) * 1000000)::bigint
      FROM mana_ai.mission_snapshots s
      CROSS JOIN LATERAL (
        SELECT array_agg(q.change_id) FILTER (WHERE q.change_id IS NOT NULL) AS changes,
               bool_or(q.change_id IS NULL) AS refold
        FROM mana_ai.mission_dirty q WHERE q.user_id = v_user AND q.mission_id = p_missions[i]) d
      WHERE s.user_id = v_user AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i]
        AND s.lease_until > clock_timestamp()
      FOR UPDATE OF s;
  END LOOP;
END $$;

-- Gives runs back that were not run: claimable at once, the attempt is not counted, and what the claim reserved is
-- the user's again; what a call that was under way has cost is not known. p_crashed: the run ended its planner, which
-- counts like the end of a whole runner.
DROP FUNCTION mana_ai.hand_back_runs(text[], text[], uuid[]);
CREATE FUNCTION mana_ai.hand_back_runs(p_users text[], p_missions text[], p_tokens uuid[],
  p_crashed boolean DEFAULT false)
RETURNS TABLE (ord integer, quarantined boolean) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  g record;
  v_slots bigint[];
  v_slot bigint;
  v_reserved bigint;
  v_users text[];
  v_refunds bigint[];
  i integer;
BEGIN
  IF p_crashed THEN
    FOR g IN SELECT l.user_id, array_agg(l.token) AS tokens
             FROM unnest(p_users, p_tokens) WITH ORDINALITY AS l(user_id, token, ord)
             GROUP BY l.user_id ORDER BY min(l.ord) LOOP
      PERFORM set_config('app.current_user_id', g.user_id, true);
      PERFORM FROM mana_ai.user_turns t WHERE t.user_id = g.user_id FOR UPDATE;
      RETURN QUERY
      SELECT array_position(p_tokens, e.token), e.quarantined
      FROM mana_ai.end_crashed_runs(g.user_id, g.tokens, 'internal: the planner of this attempt ended') e;
    END LOOP;
    RETURN;
  END IF;
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF p_users[i] IS DISTINCT FROM v_users[cardinality(v_users)] THEN
      v_users := v_users || p_users[i];
      v_refunds := v_refunds || 0::bigint;
      PERFORM set_config('app.current_user_id', p_users[i], true);
      PERFORM FROM mana_ai.user_turns t WHERE t.user_id = p_users[i] FOR UPDATE;
    END IF;
    v_slot := NULL;
    v_reserved := 0;
    SELECT (extract(epoch FROM s.slot_at) * 1000000)::bigint, s.reserved_tokens INTO v_slot, v_reserved
    FROM mana_ai.mission_snapshots s
    WHERE s.user_id = p_users[i] AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i]
      AND s.lease_until > clock_timestamp();
    v_slots := v_slots || coalesce(v_slot, 0);
    v_refunds[cardinality(v_refunds)] := v_refunds[cardinality(v_refunds)] + coalesce(v_reserved, 0);
  END LOOP;
  RETURN QUERY SELECT r.ord, false FROM mana_ai.release_runs(p_users, p_missions, p_tokens, v_slots,
    array_fill(0::bigint, ARRAY[cardinality(p_users)]), array_fill(false, ARRAY[cardinality(p_users)]),
    array_fill(''::text, ARRAY[cardinality(p_users)])) r;
  FOR i IN 1 .. coalesce(cardinality(v_users), 0) LOOP
    PERFORM set_config('app.current_user_id', v_users[i], true);
    PERFORM mana_ai.requeue_user(v_users[i], -v_refunds[i]);
  END LOOP;
END $$;

-- As before; beyond that a quarantined mission stays held whatever its record says, and a run in flight is asked to
-- stop when a grant of its mission was withdrawn: the notification that says so may have been missed.
CREATE OR REPLACE FUNCTION mana_ai.store_snapshots(p_users text[], p_missions text[], p_records text[],
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
          hold = CASE WHEN s.quarantined_at IS NOT NULL THEN 'quarantined' ELSE excluded.hold END,
          claimable_at = CASE
            WHEN s.lease_token IS NOT NULL OR s.quarantined_at IS NOT NULL OR excluded.hold IS NOT NULL THEN NULL
            WHEN s.slot_at = excluded.slot_at THEN coalesce(s.claimable_at, excluded.slot_at)
            ELSE excluded.slot_at END,
          attempt = CASE WHEN s.slot_at = excluded.slot_at OR s.lease_token IS NOT NULL THEN s.attempt ELSE 0 END,
          last_error = CASE WHEN s.slot_at = excluded.slot_at OR s.quarantined_at IS NOT NULL THEN s.last_error END,
          -- The record's memory of withdrawn grants (actors/mission/grant_memory.hpp) grows by each of them. Only
          -- runs in flight pay for reading the old record.
          stop_requested = CASE WHEN s.lease_token IS NULL THEN false
            ELSE s.stop_requested
                 OR s.record -> '__revokedGrants' IS DISTINCT FROM excluded.record -> '__revokedGrants' END
        -- What the statement itself inserts is not there for it yet. Not xmax: a partitioned table shows none.
        RETURNING s.mission_id,
          NOT EXISTS (SELECT FROM mana_ai.mission_snapshots k
                      WHERE k.user_id = s.user_id AND k.mission_id = s.mission_id) AS created)
      SELECT m.ord, CASE WHEN w.created THEN 'created' ELSE 'updated' END
      FROM stored w JOIN unnest(g.ords, g.missions) AS m(ord, mission_id) USING (mission_id);
    PERFORM mana_ai.requeue_user(g.user_id);
  END LOOP;
END $$;

-- For operators. SECURITY DEFINER: these look across users, and return ids, times and error codes, no more.

CREATE FUNCTION mana_ai.list_quarantined(p_limit integer)
RETURNS TABLE (user_id text, mission_id text, since_us bigint, last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT s.user_id, s.mission_id, (extract(epoch FROM s.quarantined_at) * 1000000)::bigint, coalesce(s.last_error, '')
  FROM mana_ai.mission_snapshots s WHERE s.quarantined_at IS NOT NULL
  ORDER BY s.quarantined_at DESC LIMIT p_limit
$$;

-- How many missions are quarantined, counted up to 10,000.
CREATE FUNCTION mana_ai.quarantined_count() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT count(*) FROM (SELECT FROM mana_ai.mission_snapshots WHERE quarantined_at IS NOT NULL LIMIT 10000) q
$$;

-- Ends a quarantine: whether there was one, null when the user has no such mission. What the mission waits for now, and
-- its slot, are in its record: the refresher finds out, and until then the old hold stands.
CREATE FUNCTION mana_ai.release_mission(p_user text, p_mission text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_since timestamptz;
BEGIN
  PERFORM FROM mana_ai.user_turns t WHERE t.user_id = p_user FOR UPDATE;
  SELECT s.quarantined_at INTO v_since FROM mana_ai.mission_snapshots s
  WHERE s.user_id = p_user AND s.mission_id = p_mission FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE mana_ai.mission_snapshots s SET crashes = 0
  WHERE s.user_id = p_user AND s.mission_id = p_mission;
  IF v_since IS NULL THEN
    RETURN false;
  END IF;
  UPDATE mana_ai.mission_snapshots s SET quarantined_at = NULL, attempt = 0, last_error = NULL
  WHERE s.user_id = p_user AND s.mission_id = p_mission;
  INSERT INTO mana_ai.mission_dirty (user_id, mission_id) VALUES (p_user, p_mission);
  PERFORM pg_notify('mana_ai_log', '');
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION mana_ai.end_crashed_runs(text, uuid[], text), mana_ai.rescue_crashed_runs(integer),
  mana_ai.renew_held_leases(text[], text[], uuid[], interval),
  mana_ai.hand_back_runs(text[], text[], uuid[], boolean), mana_ai.list_quarantined(integer),
  mana_ai.quarantined_count(), mana_ai.release_mission(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.end_crashed_runs(text, uuid[], text), mana_ai.rescue_crashed_runs(integer),
  mana_ai.renew_held_leases(text[], text[], uuid[], interval),
  mana_ai.hand_back_runs(text[], text[], uuid[], boolean), mana_ai.list_quarantined(integer),
  mana_ai.quarantined_count(), mana_ai.release_mission(text, text) TO mana_ai_runner;
