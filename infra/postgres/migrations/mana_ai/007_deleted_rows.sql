-- Rows that the sync service deletes from the log, above all those of a user who is gone: their missions are
-- folded anew, and one without rows is never planned again.

-- Missions that are neither stored nor queued here are left alone, so that nothing of an erased user comes
-- back. A refresher that is just storing one does not slip through: its transaction takes the mission off the
-- queue and stores it at once, so one of the two is visible.
CREATE FUNCTION mana_ai.note_deleted_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO mana_ai.mission_dirty (user_id, mission_id)
  SELECT DISTINCT g.user_id, g.record_id FROM gone g
  WHERE g.app_id = 'ai' AND g.table_name = 'aiMissions'
    AND (EXISTS (SELECT FROM mana_ai.mission_snapshots s WHERE s.user_id = g.user_id AND s.mission_id = g.record_id)
         OR EXISTS (SELECT FROM mana_ai.mission_dirty d WHERE d.user_id = g.user_id AND d.mission_id = g.record_id));
  IF FOUND THEN
    PERFORM pg_notify('mana_ai_log', '');
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION mana_ai.note_deleted_rows() FROM PUBLIC;

CREATE TRIGGER mana_ai_note_deleted_rows AFTER DELETE ON public.sync_changes
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION mana_ai.note_deleted_rows();
