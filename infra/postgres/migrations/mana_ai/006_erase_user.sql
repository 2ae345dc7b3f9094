-- Erasing a user: everything that the schema holds of an account that is gone.

-- SECURITY DEFINER: it deletes from the audit, which nobody else may. Stops the user's runs; what they
-- still try to write finds no lease. Calling it again does no harm.
CREATE FUNCTION mana_ai.erase_user(p_user text)
RETURNS TABLE (missions bigint, queued_changes bigint, audit_rows bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  IF coalesce(p_user, '') = '' THEN
    RAISE EXCEPTION 'erase_user needs a user' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM set_config('app.current_user_id', p_user, true);
  -- The queue first and without any lock: a refresh that has taken entries of it locks the user next,
  -- and is waited for here. What it stores is there to be deleted below.
  DELETE FROM mana_ai.mission_dirty d WHERE d.user_id = p_user;
  GET DIAGNOSTICS queued_changes = ROW_COUNT;
  PERFORM FROM mana_ai.user_turns t WHERE t.user_id = p_user FOR UPDATE;
  DELETE FROM mana_ai.mission_snapshots s WHERE s.user_id = p_user;
  GET DIAGNOSTICS missions = ROW_COUNT;
  DELETE FROM mana_ai.user_turns t WHERE t.user_id = p_user;
  PERFORM pg_advisory_xact_lock(mana_ai.audit_lock_key(p_user));
  PERFORM set_config('mana_ai.erasing_user', p_user, true);
  DELETE FROM mana_ai.decrypt_audit a WHERE a.user_id = p_user;
  GET DIAGNOSTICS audit_rows = ROW_COUNT;
  PERFORM set_config('mana_ai.erasing_user', '', true);
  PERFORM pg_notify('mana_ai_stop_runs', 'user:' || encode(sha256(convert_to(p_user, 'UTF8')), 'hex'));
  RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION mana_ai.erase_user(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.erase_user(text) TO mana_ai_runner;
