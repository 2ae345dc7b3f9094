-- Fair share: a claim takes from the users in turn, and from each no more than their limits leave room for.

-- A spent budget keeps the user out of the line until then; -infinity: none is spent.
ALTER TABLE mana_ai.user_turns ADD COLUMN held_until timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX user_turns_held ON mana_ai.user_turns (held_until) WHERE held_until > '-infinity';

-- enable_bitmapscan, here and below: like enable_seqscan (002). A plan that was made while a user had few missions
-- would read and sort all of them for the first one.

-- When the current user joins the line (see user_turns): not before a spent budget is renewed. p_tokens
-- are charged besides (negative: given back), p_unrun runs are not counted after all; who gets something
-- back is looked at anew. Called with the user's row locked. Not in SQL: such a function is planned anew
-- at every call.
DROP FUNCTION mana_ai.requeue_user(text);
CREATE FUNCTION mana_ai.requeue_user(p_user text, p_tokens bigint DEFAULT 0, p_unrun integer DEFAULT 0) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_next timestamptz;
  v_gives_back boolean := p_tokens < 0 OR p_unrun > 0;
BEGIN
  v_next := coalesce((SELECT s.claimable_at FROM mana_ai.mission_snapshots s
                      WHERE s.user_id = p_user AND s.claimable_at IS NOT NULL AND s.quarantined_at IS NULL
                      ORDER BY s.claimable_at LIMIT 1), 'infinity');
  UPDATE mana_ai.user_turns t
  SET queue_at = greatest(v_next, t.served_at, CASE WHEN NOT v_gives_back THEN t.held_until END),
      held_until = CASE WHEN v_gives_back THEN '-infinity' ELSE t.held_until END,
      tokens_in_day = greatest(0, t.tokens_in_day + p_tokens),
      runs_in_hour = greatest(0, t.runs_in_hour - p_unrun)
  WHERE t.user_id = p_user
    AND (p_tokens <> 0 OR p_unrun > 0 OR t.queue_at <> greatest(v_next, t.served_at, t.held_until));
END $$;
REVOKE ALL ON FUNCTION mana_ai.requeue_user(text, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.requeue_user(text, bigint, integer) TO mana_ai_runner;

-- Changed limits count at once.
CREATE FUNCTION mana_ai.note_changed_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_user text := CASE WHEN TG_OP = 'DELETE' THEN OLD.user_id ELSE NEW.user_id END;
BEGIN
  UPDATE mana_ai.user_turns t SET held_until = '-infinity' WHERE t.user_id = v_user;
  PERFORM mana_ai.requeue_user(v_user);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION mana_ai.note_changed_limits() FROM PUBLIC;
CREATE TRIGGER mana_ai_note_changed_limits AFTER INSERT OR UPDATE OR DELETE ON mana_ai.user_limits
  FOR EACH ROW EXECUTE FUNCTION mana_ai.note_changed_limits();

-- -- claiming -----------------------------------------------------------------------------------------

-- What a user may still get from a claim. Null: no limit.
CREATE TYPE mana_ai.user_room AS (
  user_id       text,
  place         bigint,  -- in the line
  weight        integer,
  runs_in_hour  integer, -- so far
  tokens_in_day bigint,  -- so far
  -- Runs that each limit leaves room for; 0 or less: none.
  in_flight     bigint,
  by_hour       bigint,
  by_tokens     bigint
);

-- The rooms of users whose rows the caller has locked. A window that is over starts anew: with no run, and with
-- the tokens that runs in flight hold, so that what they give back when they end is in there. A budget below one
-- reservation is good for one run in its window.
CREATE FUNCTION mana_ai.rooms_of(p_users text[], p_per_user integer, p_runs_per_hour integer, p_tokens_per_day bigint,
  p_tokens_per_run bigint, p_now timestamptz)
RETURNS SETOF mana_ai.user_room LANGUAGE plpgsql ROWS 100 AS $$
BEGIN
  RETURN QUERY
  SELECT u.user_id, u.place, coalesce(l.weight, 1)::integer, used.runs, used.tokens,
         nullif(coalesce(l.runs_in_flight, p_per_user), 0) - flying.runs,
         (may.runs - used.runs)::bigint,
         CASE WHEN used.tokens >= may.tokens THEN 0
              WHEN may.tokens IS NULL OR p_tokens_per_run = 0 THEN NULL
              WHEN used.tokens = 0 THEN greatest(1, may.tokens / p_tokens_per_run)
              ELSE (may.tokens - used.tokens) / p_tokens_per_run END
  FROM unnest(p_users) WITH ORDINALITY AS u(user_id, place)
  JOIN mana_ai.user_turns t ON t.user_id = u.user_id
  LEFT JOIN mana_ai.user_limits l ON l.user_id = u.user_id
  CROSS JOIN LATERAL (
    SELECT count(*) AS runs, coalesce(sum(r.reserved_tokens), 0)::bigint AS tokens
    FROM mana_ai.mission_snapshots r WHERE r.user_id = u.user_id AND r.lease_token IS NOT NULL) flying
  CROSS JOIN LATERAL (
    SELECT CASE WHEN t.hour_at >= date_trunc('hour', p_now, 'UTC') THEN t.runs_in_hour ELSE 0 END AS runs,
           CASE WHEN t.day_at >= date_trunc('day', p_now, 'UTC') THEN t.tokens_in_day ELSE flying.tokens END AS tokens
  ) used
  CROSS JOIN LATERAL (
    SELECT nullif(coalesce(l.runs_per_hour, p_runs_per_hour), 0) AS runs,
           nullif(coalesce(l.tokens_per_day, p_tokens_per_day), 0) AS tokens) may;
END $$;

-- The missions that the users with these rooms get: rounds, in each of which every user gets `weight` missions, in
-- the order of the line; a user's own oldest first. How many rounds fill the batch is found by doubling, so that no
-- more than about twice the batch is ever read, whatever a user has.
CREATE FUNCTION mana_ai.pick_missions(p_rooms mana_ai.user_room[], p_limit integer, p_now timestamptz)
RETURNS TABLE (user_id text, mission_id text) LANGUAGE plpgsql ROWS 100 AS $$
DECLARE
  v_rounds integer := ceil(p_limit::numeric / (SELECT sum(r.weight) FROM unnest(p_rooms) r));
  v_users text[];
  v_missions text[];
  v_more boolean;
BEGIN
  LOOP
    SELECT array_agg(p.user_id), array_agg(p.mission_id), bool_or(p.nr = p.weight * v_rounds)
    INTO v_users, v_missions, v_more
    FROM (SELECT r.user_id, r.weight, m.mission_id, m.nr
          FROM unnest(p_rooms) r
          CROSS JOIN LATERAL (
            -- Numbered after the limit: a window reads all that is due at the same time.
            SELECT o.mission_id, row_number() OVER () AS nr
            FROM (SELECT s.mission_id FROM mana_ai.mission_snapshots s
                  WHERE s.user_id = r.user_id AND s.claimable_at IS NOT NULL AND s.claimable_at <= p_now
                    AND s.quarantined_at IS NULL
                  ORDER BY s.claimable_at
                  LIMIT greatest(0, least(r.in_flight, r.by_hour, r.by_tokens, r.weight * v_rounds))) o) m
          ORDER BY (m.nr - 1) / r.weight, r.place, m.nr
          LIMIT p_limit) p;
    EXIT WHEN v_more IS NOT TRUE OR cardinality(v_users) >= p_limit;
    v_rounds := v_rounds * 2;
  END LOOP;
  RETURN QUERY SELECT * FROM unnest(v_users, v_missions);
END $$;

-- Claims up to p_limit due missions in the order of pick_missions, within the limits of mana_ai.user_limits or, where
-- it has none, the given ones (0: no limit). Every claim counts as a run of the hour and reserves p_tokens_per_run
-- tokens of the day, which the end of the run settles. p_now decides what is due; leases end by the real clock.
DROP FUNCTION mana_ai.claim_missions(integer, integer, interval, text, timestamptz);
CREATE FUNCTION mana_ai.claim_missions(p_limit integer, p_per_user integer, p_lease interval, p_owner text,
  p_now timestamptz DEFAULT now(), p_runs_per_hour integer DEFAULT 0, p_tokens_per_day bigint DEFAULT 0,
  p_tokens_per_run bigint DEFAULT 0)
RETURNS TABLE (user_id text, mission_id text, lease_token uuid, slot_us bigint, attempt integer,
               last_error text, record text, crashes integer, claimed_us bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
  SET enable_bitmapscan = off AS $$
DECLARE
  v_hour timestamptz := date_trunc('hour', p_now, 'UTC');
  v_day timestamptz := date_trunc('day', p_now, 'UTC');
  v_left integer := p_limit;
  v_users text[];
  v_rooms mana_ai.user_room[];
  v_claimed integer;
BEGIN
  -- A claim that a crash of the database forgets is claimed again; the fence keeps that harmless.
  PERFORM set_config('synchronous_commit', 'off', true);
  LOOP
    -- Locking the users is a statement of its own: the next one then sees what the last holder of
    -- each lock committed, which the counting relies on.
    SELECT array_agg(l.user_id) INTO v_users
    FROM (SELECT t.user_id FROM mana_ai.user_turns t
          WHERE t.queue_at < 'infinity' AND t.queue_at <= p_now
          ORDER BY t.queue_at LIMIT v_left FOR UPDATE SKIP LOCKED) l;
    EXIT WHEN v_users IS NULL;
    SELECT array_agg(r) INTO v_rooms
    FROM mana_ai.rooms_of(v_users, p_per_user, p_runs_per_hour, p_tokens_per_day, p_tokens_per_run, p_now) r;
    RETURN QUERY
    WITH claimed AS (
      UPDATE mana_ai.mission_snapshots s
      SET attempt = s.attempt + 1, claimable_at = NULL, lease_token = gen_random_uuid(),
          lease_until = clock_timestamp() + p_lease, lease_owner = p_owner, reserved_tokens = p_tokens_per_run,
          stop_requested = false
      FROM mana_ai.pick_missions(v_rooms, v_left, p_now) p
      WHERE s.user_id = p.user_id AND s.mission_id = p.mission_id
      RETURNING s.user_id, s.mission_id, s.lease_token, s.slot_at, s.attempt, s.last_error, s.record, s.crashes
    ), given AS (
      SELECT c.user_id, count(*) AS n FROM claimed c GROUP BY c.user_id
    ), moved AS (
      -- Everybody who got something or could get nothing moves in the line.
      UPDATE mana_ai.user_turns t
      SET served_at = CASE WHEN r.n > 0 THEN p_now ELSE t.served_at END,
          hour_at = v_hour, runs_in_hour = r.runs_in_hour + r.n,
          day_at = v_day, tokens_in_day = r.tokens_in_day + r.n * p_tokens_per_run,
          held_until = r.held_until,
          queue_at = CASE WHEN r.in_flight <= r.n THEN 'infinity'
                     ELSE greatest(p_now, r.held_until, coalesce(r.next_at, 'infinity')) END
      FROM (SELECT room.*, coalesce(g.n, 0) AS n, following.claimable_at AS next_at,
                   CASE WHEN room.by_tokens <= coalesce(g.n, 0) THEN v_day + interval '24 hours'
                        WHEN room.by_hour <= coalesce(g.n, 0) THEN v_hour + interval '1 hour'
                        ELSE '-infinity' END AS held_until
            FROM unnest(v_rooms) room
            LEFT JOIN given g ON g.user_id = room.user_id
            -- With the user locked, what was picked is exactly the first ones, so the next is at offset n.
            LEFT JOIN LATERAL (
              SELECT s.claimable_at FROM mana_ai.mission_snapshots s
              WHERE s.user_id = room.user_id AND s.claimable_at IS NOT NULL AND s.quarantined_at IS NULL
              ORDER BY s.claimable_at OFFSET coalesce(g.n, 0) LIMIT 1) following ON true) r
      WHERE t.user_id = r.user_id
        AND (r.n > 0 OR least(r.in_flight, r.by_hour, r.by_tokens) <= 0 OR coalesce(r.next_at, 'infinity') > p_now)
    )
    SELECT c.user_id, c.mission_id, c.lease_token, (extract(epoch FROM c.slot_at) * 1000000)::bigint, c.attempt,
           coalesce(c.last_error, ''), c.record::text, c.crashes, (extract(epoch FROM p_now) * 1000000)::bigint
    FROM claimed c;
    GET DIAGNOSTICS v_claimed = ROW_COUNT;
    -- When the batch is not full, all who were looked at have left the line, and others may wait behind them.
    EXIT WHEN v_claimed >= v_left OR cardinality(v_users) < v_left;
    v_left := v_left - v_claimed;
  END LOOP;
END $$;

-- Users whose spent budget keeps them waiting, counted up to 10,000.
CREATE FUNCTION mana_ai.held_user_count(p_now timestamptz DEFAULT now()) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT count(*) FROM (SELECT FROM mana_ai.user_turns t
                        WHERE t.held_until > '-infinity' AND t.held_until > p_now LIMIT 10000) h
$$;

REVOKE ALL ON FUNCTION mana_ai.rooms_of(text[], integer, integer, bigint, bigint, timestamptz),
  mana_ai.pick_missions(mana_ai.user_room[], integer, timestamptz),
  mana_ai.claim_missions(integer, integer, interval, text, timestamptz, integer, bigint, bigint),
  mana_ai.held_user_count(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  mana_ai.claim_missions(integer, integer, interval, text, timestamptz, integer, bigint, bigint),
  mana_ai.held_user_count(timestamptz) TO mana_ai_runner;

-- -- ending runs --------------------------------------------------------------------------------------

-- As before (004), and: the lease must not have ended by time, p_tokens settles what the claim reserved (null: the run
-- used that), and a mission of p_quarantine is not claimed again until it is released.
DROP FUNCTION mana_ai.write_iterations(text[], text[], uuid[], uuid[], text[], text[], text[], bigint[], uuid[],
                                       bigint[], text[], text[]);
CREATE FUNCTION mana_ai.write_iterations(p_users text[], p_missions text[], p_tokens uuid[], p_changes uuid[],
  p_data text[], p_stamps text[], p_records text[], p_applied_us bigint[], p_applied_ids uuid[],
  p_slots_us bigint[], p_holds text[], p_errors text[], p_used_tokens bigint[] DEFAULT NULL,
  p_quarantine boolean[] DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  v_slot timestamptz;
  v_hold text;
  v_reserved bigint;
  v_charged bigint := 0; -- to v_user, besides what was reserved
  i integer;
BEGIN
  PERFORM set_config('mana_ai.snapshot_is_current', 'on', true);
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      IF v_user IS NOT NULL THEN
        PERFORM mana_ai.requeue_user(v_user, v_charged);
      END IF;
      v_user := p_users[i];
      v_charged := 0;
      PERFORM set_config('app.current_user_id', v_user, true);
    END IF;
    v_slot := timestamptz 'epoch' + p_slots_us[i] * interval '1 microsecond';
    v_hold := CASE WHEN p_quarantine[i] THEN 'quarantined' ELSE p_holds[i] END;
    UPDATE mana_ai.mission_snapshots s SET
      record = p_records[i]::jsonb,
      last_applied_at = timestamptz 'epoch' + p_applied_us[i] * interval '1 microsecond',
      last_applied_id = p_applied_ids[i],
      updated_at = now(),
      slot_at = v_slot, hold = v_hold,
      claimable_at = CASE WHEN v_hold IS NULL THEN v_slot END,
      quarantined_at = CASE WHEN p_quarantine[i] THEN now() ELSE s.quarantined_at END,
      attempt = 0, crashes = 0, last_error = p_errors[i],
      lease_token = NULL, lease_until = NULL, lease_owner = NULL
    WHERE s.user_id = v_user AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i]
      AND s.lease_until > clock_timestamp()
    RETURNING s.reserved_tokens INTO v_reserved;
    IF NOT FOUND THEN
      -- Between the lock and here: whoever tries again is told by lock_runs.
      RAISE EXCEPTION 'the lease of a locked run has ended' USING ERRCODE = 'serialization_failure';
    END IF;
    v_charged := v_charged + coalesce(p_used_tokens[i] - v_reserved, 0);
    INSERT INTO public.sync_changes
      (id, app_id, table_name, record_id, user_id, op, data, field_timestamps, client_id, schema_version, actor)
    VALUES (p_changes[i], 'ai', 'aiMissions', p_missions[i], v_user, 'update', p_data[i]::jsonb,
            p_stamps[i]::jsonb, 'mana-ai-runner', 1, '{"kind":"system","source":"mission-runner"}');
  END LOOP;
  IF v_user IS NOT NULL THEN
    PERFORM mana_ai.requeue_user(v_user, v_charged);
  END IF;
  PERFORM set_config('mana_ai.snapshot_is_current', 'off', true);
END $$;

-- As before (004), and: the lease must not have ended by time, p_used_tokens settles what the claim reserved, and a run
-- whose attempt does not count is no run of the hour. Without p_used_tokens the run used what was reserved, and
-- nobody says that it ended well: its crashes stay counted.
DROP FUNCTION mana_ai.release_runs(text[], text[], uuid[], bigint[], bigint[], boolean[], text[]);
CREATE FUNCTION mana_ai.release_runs(p_users text[], p_missions text[], p_tokens uuid[], p_slots_us bigint[],
  p_retry_after_ms bigint[], p_counts boolean[], p_errors text[], p_used_tokens bigint[] DEFAULT NULL)
RETURNS TABLE (ord integer) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  v_slot timestamptz;
  v_reserved bigint;
  v_charged bigint := 0; -- to v_user, besides what was reserved
  v_unrun integer := 0;
  i integer;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      IF v_user IS NOT NULL THEN
        PERFORM mana_ai.requeue_user(v_user, v_charged, v_unrun);
      END IF;
      v_user := p_users[i];
      v_charged := 0;
      v_unrun := 0;
      PERFORM set_config('app.current_user_id', v_user, true);
      PERFORM FROM mana_ai.user_turns t WHERE t.user_id = v_user FOR UPDATE;
    END IF;
    v_slot := timestamptz 'epoch' + p_slots_us[i] * interval '1 microsecond';
    UPDATE mana_ai.mission_snapshots s SET
      claimable_at = CASE
        WHEN s.hold IS NOT NULL THEN NULL
        WHEN s.slot_at IS DISTINCT FROM v_slot THEN s.slot_at
        ELSE greatest(s.slot_at, clock_timestamp() + p_retry_after_ms[i] * interval '1 millisecond') END,
      attempt = CASE
        WHEN s.slot_at IS DISTINCT FROM v_slot THEN 0
        WHEN p_counts[i] THEN s.attempt
        ELSE greatest(0, s.attempt - 1) END,
      crashes = CASE WHEN p_used_tokens IS NULL THEN s.crashes ELSE 0 END,
      last_error = CASE WHEN s.slot_at IS DISTINCT FROM v_slot THEN NULL
                        WHEN p_errors[i] <> '' THEN p_errors[i] ELSE s.last_error END,
      lease_token = NULL, lease_until = NULL, lease_owner = NULL
    WHERE s.user_id = v_user AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i]
      AND s.lease_until > clock_timestamp()
    RETURNING s.reserved_tokens INTO v_reserved;
    IF FOUND THEN
      v_charged := v_charged + coalesce(p_used_tokens[i] - v_reserved, 0);
      v_unrun := v_unrun + CASE WHEN p_counts[i] THEN 0 ELSE 1 END;
      ord := i;
      RETURN NEXT;
    END IF;
  END LOOP;
  IF v_user IS NOT NULL THEN
    PERFORM mana_ai.requeue_user(v_user, v_charged, v_unrun);
  END IF;
END $$;

REVOKE ALL ON FUNCTION
  mana_ai.write_iterations(text[], text[], uuid[], uuid[], text[], text[], text[], bigint[], uuid[], bigint[], text[],
                           text[], bigint[], boolean[]),
  mana_ai.release_runs(text[], text[], uuid[], bigint[], bigint[], boolean[], text[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  mana_ai.write_iterations(text[], text[], uuid[], uuid[], text[], text[], text[], bigint[], uuid[], bigint[], text[],
                           text[], bigint[], boolean[]),
  mana_ai.release_runs(text[], text[], uuid[], bigint[], bigint[], boolean[], text[], bigint[]) TO mana_ai_runner;
