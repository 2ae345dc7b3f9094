-- A run may not end after its grant was withdrawn. The write-back reads the log before it writes, which orders the two
-- only as long as no withdrawal commits in between. So whoever changes a grant takes its user's lock, and the
-- write-back of runs that used one shares it, without waiting for it: what cannot be written now is tried again.

CREATE FUNCTION mana_ai.grant_lock(p_user text) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT hashtextextended('mana_ai grants of ' || p_user, 0)
$$;

-- The given users whose grants nobody is changing; nobody will before the caller's transaction ends.
CREATE FUNCTION mana_ai.hold_grants(p_users text[]) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
  v_user text;
BEGIN
  FOREACH v_user IN ARRAY p_users LOOP
    IF pg_try_advisory_xact_lock_shared(mana_ai.grant_lock(v_user)) THEN
      RETURN NEXT v_user;
    END IF;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION mana_ai.grant_lock(text), mana_ai.hold_grants(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.grant_lock(text), mana_ai.hold_grants(text[]) TO mana_ai_runner;

-- As before (002), and a change of the grant waits for the write-backs that are under way.
CREATE OR REPLACE FUNCTION mana_ai.note_mission_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('mana_ai.snapshot_is_current', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF NEW.op = 'delete' OR NEW.data ? 'grant' THEN
    PERFORM pg_advisory_xact_lock(mana_ai.grant_lock(NEW.user_id));
  END IF;
  INSERT INTO mana_ai.mission_dirty (user_id, mission_id, change_id)
  VALUES (NEW.user_id, NEW.record_id, NEW.id);
  PERFORM pg_notify('mana_ai_log', '');
  RETURN NULL;
END $$;
