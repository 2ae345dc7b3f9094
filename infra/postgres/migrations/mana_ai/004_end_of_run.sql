-- Ending runs. All functions run with the caller's rights under each mission's user; every write
-- matches user, mission and lease token. Parallel arrays, users in ascending order.

-- Locks the missions of the given leases and returns what a write-back starts from: the snapshot
-- and the log rows that are not folded into it yet. A lease that is not held returns no row.
CREATE FUNCTION mana_ai.lock_runs(p_users text[], p_missions text[], p_tokens uuid[])
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
      FOR UPDATE OF s;
  END LOOP;
END $$;

-- Writes iterations: the log row, the snapshot with its next slot, and the end of the lease.
CREATE FUNCTION mana_ai.write_iterations(p_users text[], p_missions text[], p_tokens uuid[], p_changes uuid[],
  p_data text[], p_stamps text[], p_records text[], p_applied_us bigint[], p_applied_ids uuid[],
  p_slots_us bigint[], p_holds text[], p_errors text[])
RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  v_slot timestamptz;
  i integer;
BEGIN
  PERFORM set_config('mana_ai.snapshot_is_current', 'on', true);
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      IF v_user IS NOT NULL THEN
        PERFORM mana_ai.requeue_user(v_user);
      END IF;
      v_user := p_users[i];
      PERFORM set_config('app.current_user_id', v_user, true);
    END IF;
    v_slot := timestamptz 'epoch' + p_slots_us[i] * interval '1 microsecond';
    UPDATE mana_ai.mission_snapshots s SET
      record = p_records[i]::jsonb,
      last_applied_at = timestamptz 'epoch' + p_applied_us[i] * interval '1 microsecond',
      last_applied_id = p_applied_ids[i],
      updated_at = now(),
      slot_at = v_slot, hold = p_holds[i],
      claimable_at = CASE WHEN p_holds[i] IS NULL THEN v_slot END,
      attempt = 0, last_error = p_errors[i],
      lease_token = NULL, lease_until = NULL, lease_owner = NULL
    WHERE s.user_id = v_user AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i];
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the lease of a locked run is gone' USING ERRCODE = 'internal_error';
    END IF;
    INSERT INTO public.sync_changes
      (id, app_id, table_name, record_id, user_id, op, data, field_timestamps, client_id, schema_version, actor)
    VALUES (p_changes[i], 'ai', 'aiMissions', p_missions[i], v_user, 'update', p_data[i]::jsonb,
            p_stamps[i]::jsonb, 'mana-ai-runner', 1, '{"kind":"system","source":"mission-runner"}');
  END LOOP;
  IF v_user IS NOT NULL THEN
    PERFORM mana_ai.requeue_user(v_user);
  END IF;
  PERFORM set_config('mana_ai.snapshot_is_current', 'off', true);
END $$;

-- Ends runs without an iteration: claimable again after p_retry_after_ms, or at once in the new slot
-- if the user moved the slot meanwhile. p_counts says whether the attempt counts. Returns how many
-- leases were held.
CREATE FUNCTION mana_ai.release_runs(p_users text[], p_missions text[], p_tokens uuid[], p_slots_us bigint[],
  p_retry_after_ms bigint[], p_counts boolean[], p_errors text[])
RETURNS TABLE (ord integer) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_user text;
  v_slot timestamptz;
  i integer;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    IF v_user IS DISTINCT FROM p_users[i] THEN
      IF v_user IS NOT NULL THEN
        PERFORM mana_ai.requeue_user(v_user);
      END IF;
      v_user := p_users[i];
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
      last_error = CASE WHEN s.slot_at IS DISTINCT FROM v_slot THEN NULL
                        WHEN p_errors[i] <> '' THEN p_errors[i] ELSE s.last_error END,
      lease_token = NULL, lease_until = NULL, lease_owner = NULL
    WHERE s.user_id = v_user AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i];
    IF FOUND THEN
      ord := i;
      RETURN NEXT;
    END IF;
  END LOOP;
  IF v_user IS NOT NULL THEN
    PERFORM mana_ai.requeue_user(v_user);
  END IF;
END $$;

-- Gives runs back that were not run (shutdown): claimable at once, the attempt is not counted.
CREATE FUNCTION mana_ai.hand_back_runs(p_users text[], p_missions text[], p_tokens uuid[])
RETURNS TABLE (ord integer) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  v_slots bigint[];
  v_slot bigint;
  i integer;
BEGIN
  FOR i IN 1 .. coalesce(cardinality(p_users), 0) LOOP
    PERFORM set_config('app.current_user_id', p_users[i], true);
    v_slot := NULL;
    SELECT (extract(epoch FROM s.slot_at) * 1000000)::bigint INTO v_slot FROM mana_ai.mission_snapshots s
    WHERE s.user_id = p_users[i] AND s.mission_id = p_missions[i] AND s.lease_token = p_tokens[i];
    v_slots := v_slots || coalesce(v_slot, 0);
  END LOOP;
  RETURN QUERY SELECT r.ord FROM mana_ai.release_runs(p_users, p_missions, p_tokens, v_slots,
    array_fill(0::bigint, ARRAY[cardinality(p_users)]), array_fill(false, ARRAY[cardinality(p_users)]),
    array_fill(''::text, ARRAY[cardinality(p_users)])) r;
END $$;

REVOKE ALL ON FUNCTION mana_ai.lock_runs(text[], text[], uuid[]),
  mana_ai.write_iterations(text[], text[], uuid[], uuid[], text[], text[], text[], bigint[], uuid[], bigint[], text[],
                           text[]),
  mana_ai.release_runs(text[], text[], uuid[], bigint[], bigint[], boolean[], text[]),
  mana_ai.hand_back_runs(text[], text[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.lock_runs(text[], text[], uuid[]),
  mana_ai.write_iterations(text[], text[], uuid[], uuid[], text[], text[], text[], bigint[], uuid[], bigint[], text[],
                           text[]),
  mana_ai.release_runs(text[], text[], uuid[], bigint[], bigint[], boolean[], text[]),
  mana_ai.hand_back_runs(text[], text[], uuid[]) TO mana_ai_runner;
