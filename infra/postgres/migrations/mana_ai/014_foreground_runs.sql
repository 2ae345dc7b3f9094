-- Runs of a browser tab: a lease on one due mission for its own user, and the LLM tokens of a tab's calls.
--
-- A tab is no replica. It writes its iteration and the next slot through the log like any edit of the user, so the
-- fold of that edit is what ends its run (store_snapshots). A tab that goes away counts as nobody's crash. And its
-- lease never ends while an edit of its mission waits to be folded: that may be the iteration, and the slot would be
-- planned again.

ALTER TABLE mana_ai.mission_snapshots
  -- The lease is a tab's.
  ADD COLUMN foreground boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT mission_snapshots_foreground_is_leased CHECK (NOT foreground OR lease_token IS NOT NULL);

-- The functions for tabs run with the caller's rights under the user's scope: row level security lets them see and
-- change nothing of anybody else.

-- Whether edits of the mission wait for the refresher. One that it cannot fold is not waited for.
CREATE FUNCTION mana_ai.awaits_folding(p_user text, p_mission text) RETURNS boolean
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
  RETURN EXISTS (SELECT FROM mana_ai.mission_dirty d
                 WHERE d.user_id = p_user AND d.mission_id = p_mission AND d.failures = 0);
END $$;

-- Leases the due slot of one mission to a tab of its user. `what` says whether, or why not:
--   claimed        until_us is the end of the lease
--   unknown        the user has no such mission
--   unfolded       edits wait for the refresher: ask it, and then again
--   running        somebody has it, until_us at the longest unless they renew
--   granted        it has a grant, so it is the server's
--   held           hold says why (actors/mission/schedule.hpp, or quarantined)
--   not-due        until_us is when it is, or when it may be tried again; null: nothing is scheduled
--   runs-in-flight, runs-per-hour, tokens-per-day   the user's limit is reached; until_us: when it is renewed
-- The limits are those of mana_ai.user_limits or the given ones (0: no limit). The run counts among those of the hour
-- and in flight; its tokens are those of its calls (reserve_call_tokens). It is no turn of the user in the line, since
-- no runner works for it, and no attempt: those are the server's. p_now decides what is due; leases end by the real
-- clock.
CREATE FUNCTION mana_ai.claim_foreground_run(p_user text, p_mission text, p_lease interval, p_per_user integer,
  p_runs_per_hour integer, p_tokens_per_day bigint, p_tokens_per_run bigint, p_now timestamptz DEFAULT now(),
  OUT what text, OUT lease_token uuid, OUT slot_us bigint, OUT until_us bigint, OUT hold text)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  s mana_ai.mission_snapshots;
  r mana_ai.user_room;
  v_until timestamptz;
BEGIN
  PERFORM set_config('app.current_user_id', p_user, true);
  PERFORM FROM mana_ai.user_turns t WHERE t.user_id = p_user FOR UPDATE;
  SELECT * INTO s FROM mana_ai.mission_snapshots m WHERE m.user_id = p_user AND m.mission_id = p_mission;
  r := (SELECT room FROM mana_ai.rooms_of(ARRAY[p_user], p_per_user, p_runs_per_hour, p_tokens_per_day,
                                          p_tokens_per_run, p_now) room);
  what := CASE
    WHEN mana_ai.awaits_folding(p_user, p_mission) THEN 'unfolded'
    WHEN s.user_id IS NULL THEN 'unknown'
    WHEN s.lease_token IS NOT NULL THEN 'running'
    WHEN jsonb_typeof(s.record -> 'grant') = 'object' THEN 'granted'
    WHEN s.quarantined_at IS NOT NULL THEN 'held'
    WHEN s.hold = 'no-next-run' THEN 'not-due'
    WHEN s.hold IS NOT NULL THEN 'held'
    WHEN s.claimable_at IS NULL OR s.claimable_at > p_now THEN 'not-due'
    WHEN r.in_flight <= 0 THEN 'runs-in-flight'
    WHEN r.by_tokens <= 0 THEN 'tokens-per-day'
    WHEN r.by_hour <= 0 THEN 'runs-per-hour'
    ELSE 'claimed' END;
  hold := s.hold;
  v_until := CASE what
    WHEN 'running' THEN s.lease_until
    WHEN 'not-due' THEN s.claimable_at
    WHEN 'runs-per-hour' THEN date_trunc('hour', p_now, 'UTC') + interval '1 hour'
    WHEN 'tokens-per-day' THEN date_trunc('day', p_now, 'UTC') + interval '24 hours' END;
  IF what = 'claimed' THEN
    UPDATE mana_ai.mission_snapshots m
    SET claimable_at = NULL, lease_token = gen_random_uuid(), lease_until = clock_timestamp() + p_lease,
        lease_owner = 'browser', foreground = true, reserved_tokens = 0, stop_requested = false
    WHERE m.user_id = p_user AND m.mission_id = p_mission
    RETURNING m.lease_token, (extract(epoch FROM m.slot_at) * 1000000)::bigint, m.lease_until
    INTO lease_token, slot_us, v_until;
    UPDATE mana_ai.user_turns t
    SET hour_at = date_trunc('hour', p_now, 'UTC'), runs_in_hour = r.runs_in_hour + 1
    WHERE t.user_id = p_user;
    PERFORM mana_ai.requeue_user(p_user);
  END IF;
  until_us := (extract(epoch FROM v_until) * 1000000)::bigint;
END $$;

-- Extends a tab's lease: its new end, null when it is not held any more. Nothing revives one that has ended by time.
CREATE FUNCTION mana_ai.renew_foreground_run(p_user text, p_mission text, p_token uuid, p_lease interval)
RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_until timestamptz;
BEGIN
  PERFORM set_config('app.current_user_id', p_user, true);
  UPDATE mana_ai.mission_snapshots s
  SET lease_until = clock_timestamp() + p_lease
  WHERE s.user_id = p_user AND s.mission_id = p_mission AND s.foreground AND s.lease_token = p_token
    AND s.lease_until > clock_timestamp()
  RETURNING s.lease_until INTO v_until;
  RETURN (extract(epoch FROM v_until) * 1000000)::bigint;
END $$;

-- Gives a tab's run back that was not run: claimable at once, and no run of the hour. `unfolded`: edits wait for the
-- refresher, one of which may be the iteration; ask it, and then again. `not-held`: there is nothing to give back (any
-- more); that is how a run ends whose iteration was folded. Otherwise `ended`.
CREATE FUNCTION mana_ai.end_foreground_run(p_user text, p_mission text, p_token uuid) RETURNS text
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM set_config('app.current_user_id', p_user, true);
  PERFORM FROM mana_ai.user_turns t WHERE t.user_id = p_user FOR UPDATE;
  PERFORM FROM mana_ai.mission_snapshots s
  WHERE s.user_id = p_user AND s.mission_id = p_mission AND s.foreground AND s.lease_token = p_token;
  IF NOT FOUND THEN
    RETURN 'not-held';
  END IF;
  IF mana_ai.awaits_folding(p_user, p_mission) THEN
    RETURN 'unfolded';
  END IF;
  UPDATE mana_ai.mission_snapshots s
  SET lease_token = NULL, lease_until = NULL, lease_owner = NULL, foreground = false,
      claimable_at = CASE WHEN s.hold IS NULL THEN s.slot_at END
  WHERE s.user_id = p_user AND s.mission_id = p_mission;
  PERFORM mana_ai.requeue_user(p_user, 0, 1);
  RETURN 'ended';
END $$;

-- -- tokens of calls ----------------------------------------------------------------------------------

-- Sets p_tokens of the user's day aside for one LLM call. day_us names the day they are of, for settle_call_tokens;
-- null: the day's tokens are spent, wait_ms until there are new ones. What is never settled stays spent.
CREATE FUNCTION mana_ai.reserve_call_tokens(p_user text, p_tokens bigint, p_tokens_per_day bigint,
  p_now timestamptz DEFAULT now(), OUT day_us bigint, OUT wait_ms bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  r mana_ai.user_room;
  v_day timestamptz := date_trunc('day', p_now, 'UTC');
BEGIN
  PERFORM set_config('app.current_user_id', p_user, true);
  INSERT INTO mana_ai.user_turns (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  PERFORM FROM mana_ai.user_turns t WHERE t.user_id = p_user FOR UPDATE;
  r := (SELECT room FROM mana_ai.rooms_of(ARRAY[p_user], 0, 0, p_tokens_per_day, p_tokens, p_now) room);
  IF r.by_tokens <= 0 THEN
    wait_ms := ceil(extract(epoch FROM v_day + interval '24 hours' - p_now) * 1000)::bigint;
    RETURN;
  END IF;
  UPDATE mana_ai.user_turns t SET day_at = v_day, tokens_in_day = r.tokens_in_day + p_tokens WHERE t.user_id = p_user;
  day_us := (extract(epoch FROM v_day) * 1000000)::bigint;
END $$;

-- Charges what a call has used instead of what was set aside for it; on the user's current day, if its own is over.
CREATE FUNCTION mana_ai.settle_call_tokens(p_user text, p_reserved bigint, p_used bigint, p_day_us bigint) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_day timestamptz;
BEGIN
  PERFORM set_config('app.current_user_id', p_user, true);
  SELECT t.day_at INTO v_day FROM mana_ai.user_turns t WHERE t.user_id = p_user FOR UPDATE;
  PERFORM mana_ai.requeue_user(p_user,
    p_used - CASE WHEN v_day = timestamptz 'epoch' + p_day_us * interval '1 microsecond' THEN p_reserved ELSE 0 END);
END $$;

-- -- folding and rescue -------------------------------------------------------------------------------

-- As before (011), and: a slot that moves while a tab has it ends the tab's lease. Either that is the tab's own
-- iteration, or another device has scheduled the mission anew; the run counts in both cases.
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
          lease_token = CASE WHEN s.foreground AND s.slot_at IS DISTINCT FROM excluded.slot_at THEN NULL
            ELSE s.lease_token END,
          lease_until = CASE WHEN s.foreground AND s.slot_at IS DISTINCT FROM excluded.slot_at THEN NULL
            ELSE s.lease_until END,
          lease_owner = CASE WHEN s.foreground AND s.slot_at IS DISTINCT FROM excluded.slot_at THEN NULL
            ELSE s.lease_owner END,
          foreground = s.foreground AND s.slot_at IS NOT DISTINCT FROM excluded.slot_at,
          claimable_at = CASE
            WHEN s.quarantined_at IS NOT NULL OR excluded.hold IS NOT NULL THEN NULL
            WHEN s.lease_token IS NOT NULL AND (NOT s.foreground OR s.slot_at IS NOT DISTINCT FROM excluded.slot_at)
              THEN NULL
            WHEN s.slot_at = excluded.slot_at THEN coalesce(s.claimable_at, excluded.slot_at)
            ELSE excluded.slot_at END,
          attempt = CASE WHEN s.slot_at = excluded.slot_at OR (s.lease_token IS NOT NULL AND NOT s.foreground)
            THEN s.attempt ELSE 0 END,
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

-- As before (011), and: the lease of a tab that went away just ends, unless an edit waits to be folded. `foreground`
-- says which of the missions were a tab's.
DROP FUNCTION mana_ai.rescue_crashed_runs(integer);
CREATE FUNCTION mana_ai.rescue_crashed_runs(p_limit integer)
RETURNS TABLE (user_id text, mission_id text, quarantined boolean, foreground boolean)
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
    UPDATE mana_ai.mission_snapshots s
    SET lease_token = NULL, lease_until = NULL, lease_owner = NULL, foreground = false,
        claimable_at = CASE WHEN s.hold IS NULL THEN s.slot_at END
    WHERE s.user_id = v_user AND s.lease_token IS NOT NULL AND s.foreground AND s.lease_until <= clock_timestamp()
      AND NOT mana_ai.awaits_folding(s.user_id, s.mission_id)
    RETURNING v_user, s.mission_id, false, true;
    RETURN QUERY
    SELECT v_user, e.mission_id, e.quarantined, false
    FROM mana_ai.end_crashed_runs(v_user,
      ARRAY(SELECT s.lease_token FROM mana_ai.mission_snapshots s
            WHERE s.user_id = v_user AND s.lease_token IS NOT NULL AND NOT s.foreground
              AND s.lease_until <= clock_timestamp()),
      'lease_lost: the replica that ran this attempt did not finish') e;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION mana_ai.awaits_folding(text, text),
  mana_ai.claim_foreground_run(text, text, interval, integer, integer, bigint, bigint, timestamptz),
  mana_ai.renew_foreground_run(text, text, uuid, interval), mana_ai.end_foreground_run(text, text, uuid),
  mana_ai.reserve_call_tokens(text, bigint, bigint, timestamptz),
  mana_ai.settle_call_tokens(text, bigint, bigint, bigint), mana_ai.rescue_crashed_runs(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.awaits_folding(text, text),
  mana_ai.claim_foreground_run(text, text, interval, integer, integer, bigint, bigint, timestamptz),
  mana_ai.renew_foreground_run(text, text, uuid, interval), mana_ai.end_foreground_run(text, text, uuid),
  mana_ai.reserve_call_tokens(text, bigint, bigint, timestamptz),
  mana_ai.settle_call_tokens(text, bigint, bigint, bigint), mana_ai.rescue_crashed_runs(integer),
  -- Of one user, under row level security.
  mana_ai.rooms_of(text[], integer, integer, bigint, bigint, timestamptz) TO mana_ai_runner;
