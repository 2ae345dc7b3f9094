-- Scans of the line and of the dirty queue may begin behind their beginning. What was taken out of them stays in their
-- indexes for as long as any session holds a snapshot from before, and a scan from the beginning walks over all of it:
-- beside a reader of some minutes that is most of what a claim costs. The runner looks for the first entry now and then
-- (actors/database/queue_floor.hpp) and begins there. Callers that do not say where begin at the beginning.

-- When the first of the line may be served, by the real clock now at the latest: who joins is not before that.
CREATE FUNCTION mana_ai.line_start() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT (extract(epoch FROM least(now(), (SELECT min(t.queue_at) FROM mana_ai.user_turns t
                                           WHERE t.queue_at < 'infinity'))) * 1000000)::bigint
$$;

-- Of the dirty queue; null when it is empty.
CREATE FUNCTION mana_ai.first_dirty() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT min(q.id) FROM mana_ai.mission_dirty q
$$;

-- As before (010), and of the line only those from p_from on.
DROP FUNCTION mana_ai.claim_missions(integer, integer, interval, text, timestamptz, integer, bigint, bigint);
CREATE FUNCTION mana_ai.claim_missions(p_limit integer, p_per_user integer, p_lease interval, p_owner text,
  p_now timestamptz DEFAULT now(), p_runs_per_hour integer DEFAULT 0, p_tokens_per_day bigint DEFAULT 0,
  p_tokens_per_run bigint DEFAULT 0, p_from timestamptz DEFAULT '-infinity')
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
          WHERE t.queue_at < 'infinity' AND t.queue_at BETWEEN p_from AND p_now
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

-- As before (003), and of those who wait only the ones from p_from on.
DROP FUNCTION mana_ai.line_status(timestamptz);
CREATE FUNCTION mana_ai.line_status(p_now timestamptz DEFAULT now(), p_from timestamptz DEFAULT '-infinity')
RETURNS TABLE (now_us bigint, next_due_ms bigint, waiting_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT (extract(epoch FROM p_now) * 1000000)::bigint,
         ceil(extract(epoch FROM (SELECT min(queue_at) FROM mana_ai.user_turns
                             WHERE queue_at < 'infinity' AND queue_at > p_now) - p_now) * 1000)::bigint,
         floor(extract(epoch FROM p_now - (
           SELECT min(o.claimable_at)
           FROM (SELECT user_id FROM mana_ai.user_turns
                 WHERE queue_at < 'infinity' AND queue_at BETWEEN p_from AND p_now
                 ORDER BY queue_at LIMIT 100) t
           CROSS JOIN LATERAL (SELECT s.claimable_at FROM mana_ai.mission_snapshots s
                               WHERE s.user_id = t.user_id AND s.claimable_at IS NOT NULL
                               ORDER BY s.claimable_at LIMIT 1) o)) * 1000)::bigint
$$;

-- As before (013), and of the queue only the entries from p_from on.
DROP FUNCTION mana_ai.take_dirty(integer, timestamptz);
CREATE FUNCTION mana_ai.take_dirty(p_limit integer, p_now timestamptz DEFAULT now(), p_from bigint DEFAULT 0)
RETURNS TABLE (id bigint, user_id text, mission_id text, change_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  DELETE FROM mana_ai.mission_dirty d
  USING (SELECT q.id, q.user_id FROM mana_ai.mission_dirty q WHERE q.id >= p_from AND q.not_before <= p_now
         ORDER BY q.id LIMIT p_limit FOR UPDATE SKIP LOCKED) t
  WHERE d.id = t.id AND d.user_id = t.user_id
  RETURNING d.id, d.user_id, d.mission_id, d.change_id
$$;

REVOKE ALL ON FUNCTION mana_ai.line_start(), mana_ai.first_dirty(),
  mana_ai.claim_missions(integer, integer, interval, text, timestamptz, integer, bigint, bigint, timestamptz),
  mana_ai.line_status(timestamptz, timestamptz), mana_ai.take_dirty(integer, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.line_start(), mana_ai.first_dirty(),
  mana_ai.claim_missions(integer, integer, interval, text, timestamptz, integer, bigint, bigint, timestamptz),
  mana_ai.line_status(timestamptz, timestamptz), mana_ai.take_dirty(integer, timestamptz, bigint) TO mana_ai_runner;
