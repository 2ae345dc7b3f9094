-- Claiming due missions and keeping the leases. SECURITY DEFINER: these look across users, and
-- return ids, leases and the snapshots of claimed missions, no more.

-- Claims up to p_limit due missions: users in the order of the line, each up to p_per_user runs in
-- flight, a user's missions oldest first. p_now decides what is due; leases end by the real clock.
CREATE FUNCTION mana_ai.claim_missions(p_limit integer, p_per_user integer, p_lease interval, p_owner text,
  p_now timestamptz DEFAULT now())
RETURNS TABLE (user_id text, mission_id text, lease_token uuid, slot_us bigint, attempt integer,
               last_error text, record text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_users text[];
BEGIN
  -- A claim that a crash of the database forgets is claimed again; the fence keeps that harmless.
  PERFORM set_config('synchronous_commit', 'off', true);
  -- Locking the users is a statement of its own: the next one then sees what the last holder of
  -- each lock committed, which the counting below relies on.
  SELECT array_agg(l.user_id) INTO v_users
  FROM (SELECT t.user_id FROM mana_ai.user_turns t
        WHERE t.queue_at < 'infinity' AND t.queue_at <= p_now
        ORDER BY t.queue_at LIMIT p_limit FOR UPDATE SKIP LOCKED) l;
  IF v_users IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH room AS (
    SELECT u.user_id, u.place,
           greatest(0, p_per_user - (SELECT count(*) FROM mana_ai.mission_snapshots r
                                     WHERE r.user_id = u.user_id AND r.lease_token IS NOT NULL)) AS free
    FROM unnest(v_users) WITH ORDINALITY AS u(user_id, place)
  ), picked AS (
    SELECT m.user_id, m.mission_id
    FROM (SELECT * FROM room ORDER BY place) r
    CROSS JOIN LATERAL (
      SELECT s.user_id, s.mission_id FROM mana_ai.mission_snapshots s
      WHERE s.user_id = r.user_id AND s.claimable_at IS NOT NULL AND s.claimable_at <= p_now
      ORDER BY s.claimable_at LIMIT r.free) m
    LIMIT p_limit
  ), claimed AS (
    UPDATE mana_ai.mission_snapshots s
    SET attempt = s.attempt + 1, claimable_at = NULL, lease_token = gen_random_uuid(),
        lease_until = clock_timestamp() + p_lease, lease_owner = p_owner
    FROM picked p
    WHERE s.user_id = p.user_id AND s.mission_id = p.mission_id
    RETURNING s.user_id, s.mission_id, s.lease_token, s.slot_at, s.attempt, s.last_error, s.record
  ), given AS (
    SELECT c.user_id, count(*) AS n FROM claimed c GROUP BY c.user_id
  ), moved AS (
    -- Everybody who was looked at and got something or could get nothing moves in the line. With
    -- the user locked, the picked missions are exactly the first ones, so the next is at offset n.
    UPDATE mana_ai.user_turns t
    SET served_at = CASE WHEN g.n > 0 THEN p_now ELSE t.served_at END,
        queue_at = CASE WHEN coalesce(g.n, 0) >= r.free THEN 'infinity'
          ELSE greatest(p_now, coalesce((SELECT s.claimable_at FROM mana_ai.mission_snapshots s
                         WHERE s.user_id = r.user_id AND s.claimable_at IS NOT NULL
                         ORDER BY s.claimable_at OFFSET coalesce(g.n, 0) LIMIT 1), 'infinity')) END
    FROM room r LEFT JOIN given g USING (user_id)
    WHERE t.user_id = r.user_id AND (g.n > 0 OR r.free = 0
          OR NOT EXISTS (SELECT FROM mana_ai.mission_snapshots s WHERE s.user_id = r.user_id
                         AND s.claimable_at IS NOT NULL AND s.claimable_at <= p_now))
  )
  SELECT c.user_id, c.mission_id, c.lease_token, (extract(epoch FROM c.slot_at) * 1000000)::bigint, c.attempt,
         coalesce(c.last_error, ''), c.record::text
  FROM claimed c;
END $$;

-- When the next user joins the line and since when the first one waits; null: nobody does.
CREATE FUNCTION mana_ai.line_status(p_now timestamptz DEFAULT now())
RETURNS TABLE (now_us bigint, next_due_ms bigint, waiting_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT (extract(epoch FROM p_now) * 1000000)::bigint,
         ceil(extract(epoch FROM (SELECT min(queue_at) FROM mana_ai.user_turns
                             WHERE queue_at < 'infinity' AND queue_at > p_now) - p_now) * 1000)::bigint,
         floor(extract(epoch FROM p_now - (
           SELECT min(o.claimable_at)
           FROM (SELECT user_id FROM mana_ai.user_turns WHERE queue_at < 'infinity' AND queue_at <= p_now
                 ORDER BY queue_at LIMIT 100) t
           CROSS JOIN LATERAL (SELECT s.claimable_at FROM mana_ai.mission_snapshots s
                               WHERE s.user_id = t.user_id AND s.claimable_at IS NOT NULL
                               ORDER BY s.claimable_at LIMIT 1) o)) * 1000)::bigint
$$;

-- How many entries the dirty queue has, counted up to 10,000.
CREATE FUNCTION mana_ai.dirty_count() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*) FROM (SELECT FROM mana_ai.mission_dirty LIMIT 10000) d
$$;

-- Extends the given leases and returns the ones that are not held any more. Rows that a finishing
-- transaction has locked are passed over: they need no longer lease.
CREATE FUNCTION mana_ai.renew_leases(p_users text[], p_missions text[], p_tokens uuid[], p_lease interval)
RETURNS TABLE (lost_ord integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE mana_ai.mission_snapshots s
  SET lease_until = clock_timestamp() + p_lease
  FROM (SELECT h.user_id, h.mission_id FROM mana_ai.mission_snapshots h
        JOIN unnest(p_users, p_missions, p_tokens) AS l(user_id, mission_id, token)
          ON h.user_id = l.user_id AND h.mission_id = l.mission_id AND h.lease_token = l.token
        ORDER BY h.user_id, h.mission_id FOR UPDATE OF h SKIP LOCKED) held
  WHERE s.user_id = held.user_id AND s.mission_id = held.mission_id;
  RETURN QUERY
  SELECT l.ord::integer
  FROM unnest(p_users, p_missions, p_tokens) WITH ORDINALITY AS l(user_id, mission_id, token, ord)
  WHERE NOT EXISTS (SELECT FROM mana_ai.mission_snapshots s
                    WHERE s.user_id = l.user_id AND s.mission_id = l.mission_id AND s.lease_token = l.token);
END $$;

-- Frees missions whose lease has ended, of replicas that died or lost touch. The attempt counts.
CREATE FUNCTION mana_ai.rescue_missions(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_users text[];
  v_freed integer;
BEGIN
  SELECT array_agg(l.user_id) INTO v_users
  FROM (SELECT t.user_id FROM mana_ai.user_turns t
        WHERE t.user_id IN (SELECT s.user_id FROM mana_ai.mission_snapshots s
                            WHERE s.lease_token IS NOT NULL AND s.lease_until < clock_timestamp() LIMIT p_limit)
        ORDER BY t.user_id FOR UPDATE SKIP LOCKED) l;
  IF v_users IS NULL THEN
    RETURN 0;
  END IF;
  UPDATE mana_ai.mission_snapshots s
  SET lease_token = NULL, lease_until = NULL, lease_owner = NULL,
      claimable_at = CASE WHEN s.hold IS NULL THEN s.slot_at END,
      last_error = 'lease_lost: the replica that ran this attempt did not finish'
  WHERE s.user_id = ANY (v_users) AND s.lease_token IS NOT NULL AND s.lease_until < clock_timestamp();
  GET DIAGNOSTICS v_freed = ROW_COUNT;
  PERFORM mana_ai.requeue_user(u) FROM unnest(v_users) AS u;
  RETURN v_freed;
END $$;

REVOKE ALL ON FUNCTION mana_ai.claim_missions(integer, integer, interval, text, timestamptz),
  mana_ai.line_status(timestamptz), mana_ai.dirty_count(),
  mana_ai.renew_leases(text[], text[], uuid[], interval), mana_ai.rescue_missions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.claim_missions(integer, integer, interval, text, timestamptz),
  mana_ai.line_status(timestamptz), mana_ai.dirty_count(),
  mana_ai.renew_leases(text[], text[], uuid[], interval), mana_ai.rescue_missions(integer) TO mana_ai_runner;
