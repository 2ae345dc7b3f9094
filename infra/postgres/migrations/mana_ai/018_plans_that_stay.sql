-- A session keeps the plan of a statement in a function only when it is not dearer than one for the parameters at hand.
-- With arrays it always seems to be: for a parameter the planner assumes ten elements, for one array those it has. So
-- most statements were planned anew at every call, which took several times as long as carrying them out, and so were
-- all that are in functions of LANGUAGE sql. All of these have one good plan, whatever the parameters: by an index,
-- from row to row.

ALTER FUNCTION mana_ai.take_dirty(integer, timestamptz, bigint) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.lock_snapshots(text[], text[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.read_changes(text[], uuid[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.store_snapshots(text[], text[], text[], bigint[], uuid[], bigint[], text[])
  SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.claim_missions(integer, integer, interval, text, timestamptz, integer, bigint, bigint, timestamptz)
  SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.renew_held_leases(text[], text[], uuid[], interval) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.rescue_crashed_runs(integer) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.hold_grants(text[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.write_iterations(text[], text[], uuid[], uuid[], text[], text[], text[], bigint[], uuid[], bigint[],
  text[], text[], bigint[], boolean[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION mana_ai.release_runs(text[], text[], uuid[], bigint[], bigint[], boolean[], text[], bigint[])
  SET plan_cache_mode = force_generic_plan;

-- As before (015), and planned once.
CREATE OR REPLACE FUNCTION mana_ai.line_start() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  RETURN extract(epoch FROM least(now(), (SELECT min(t.queue_at) FROM mana_ai.user_turns t
                                          WHERE t.queue_at < 'infinity'))) * 1000000;
END $$;

CREATE OR REPLACE FUNCTION mana_ai.first_dirty() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  RETURN (SELECT min(q.id) FROM mana_ai.mission_dirty q);
END $$;

-- What a claim has to know of the line beside what it took: when the next user joins it (null: nobody does), and
-- whether somebody of those from p_from on is in it. Since when, which takes a look at the missions of many, the
-- runner asks line_status now and then.
CREATE FUNCTION mana_ai.line_ahead(p_now timestamptz DEFAULT now(), p_from timestamptz DEFAULT '-infinity')
RETURNS TABLE (now_us bigint, next_due_ms bigint, waiting boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  now_us := extract(epoch FROM p_now) * 1000000;
  next_due_ms := ceil(extract(epoch FROM (SELECT min(t.queue_at) FROM mana_ai.user_turns t
                                          WHERE t.queue_at < 'infinity' AND t.queue_at > p_now) - p_now) * 1000);
  waiting := EXISTS (SELECT FROM mana_ai.user_turns t
                     WHERE t.queue_at < 'infinity' AND t.queue_at BETWEEN p_from AND p_now);
  RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION mana_ai.line_ahead(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.line_ahead(timestamptz, timestamptz) TO mana_ai_runner;

-- app_id || '', here and below: keeps the plan to the index of the record. One that was made while a user had few rows
-- would go through all that the user has in the app.

-- As before (002).
CREATE OR REPLACE FUNCTION mana_ai.read_history(p_users text[], p_apps text[], p_tables text[], p_records text[])
RETURNS TABLE (ord integer, id uuid, created_us bigint, op text, data text, field_timestamps text)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  g record;
BEGIN
  FOR g IN SELECT k.user_id, array_agg(k.ord::integer) AS ords, array_agg(k.app) AS apps, array_agg(k.tab) AS tables,
                  array_agg(k.record) AS records
           FROM unnest(p_users, p_apps, p_tables, p_records) WITH ORDINALITY AS k(user_id, app, tab, record, ord)
           GROUP BY k.user_id LOOP
    PERFORM set_config('app.current_user_id', g.user_id, true);
    RETURN QUERY
      SELECT k.ord, c.id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.op, c.data::text,
             c.field_timestamps::text
      FROM unnest(g.ords, g.apps, g.tables, g.records) AS k(ord, app, tab, record)
      CROSS JOIN LATERAL (
        SELECT h.id, h.created_at, h.op, h.data, h.field_timestamps FROM public.sync_changes h
        WHERE h.table_name = k.tab AND h.record_id = k.record AND h.user_id = g.user_id AND h.app_id || '' = k.app
        ORDER BY h.created_at, h.id) c;
  END LOOP;
END $$;

-- As before (008), and only who has links pays for them. The linked rows are read after the record's own: they are
-- those of every record that one of these points to, and of what came meanwhile.
CREATE OR REPLACE FUNCTION mana_ai.read_linked_history(p_users text[], p_apps text[], p_tables text[], p_records text[],
  p_link_fields text[], p_link_apps text[], p_link_tables text[])
RETURNS TABLE (ord integer, linked_id text, id uuid, created_us bigint, op text, data text, field_timestamps text)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  g record;
BEGIN
  RETURN QUERY
    SELECT h.ord, NULL::text, h.id, h.created_us, h.op, h.data, h.field_timestamps
    FROM mana_ai.read_history(p_users, p_apps, p_tables, p_records) h;
  FOR g IN SELECT k.user_id, array_agg(k.ord::integer) AS ords, array_agg(k.app) AS apps,
                  array_agg(k.tab) AS tables, array_agg(k.record) AS records,
                  array_agg(k.link_field) AS link_fields, array_agg(k.link_app) AS link_apps,
                  array_agg(k.link_table) AS link_tables
           FROM unnest(p_users, p_apps, p_tables, p_records, p_link_fields, p_link_apps, p_link_tables)
             WITH ORDINALITY AS k(user_id, app, tab, record, link_field, link_app, link_table, ord)
           WHERE k.link_field IS NOT NULL
           GROUP BY k.user_id LOOP
    PERFORM set_config('app.current_user_id', g.user_id, true);
    RETURN QUERY
      WITH targets AS MATERIALIZED (
        SELECT DISTINCT k.ord, k.link_app, k.link_table, c.data ->> k.link_field AS target
        FROM unnest(g.ords, g.apps, g.tables, g.records, g.link_fields, g.link_apps, g.link_tables)
          AS k(ord, app, tab, record, link_field, link_app, link_table)
        CROSS JOIN LATERAL (
          SELECT h.data FROM public.sync_changes h
          WHERE h.table_name = k.tab AND h.record_id = k.record AND h.user_id = g.user_id AND h.app_id || '' = k.app
          ORDER BY h.created_at) c
        WHERE c.data ->> k.link_field IS NOT NULL)
      SELECT t.ord, t.target, c.id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.op, c.data::text,
             c.field_timestamps::text
      FROM targets t
      CROSS JOIN LATERAL (
        SELECT h.id, h.created_at, h.op, h.data, h.field_timestamps FROM public.sync_changes h
        WHERE h.table_name = t.link_table AND h.record_id = t.target AND h.user_id = g.user_id
          AND h.app_id || '' = t.link_app
        ORDER BY h.created_at) c;
  END LOOP;
END $$;

-- As before (011), and the mission's row is not locked: its user's is, and of those who change a lease only a renewal
-- does without that. The write-back asks for the lease once more.
CREATE OR REPLACE FUNCTION mana_ai.lock_runs(p_users text[], p_missions text[], p_tokens uuid[])
RETURNS TABLE (ord integer, record text, slot_us bigint, applied_us bigint, applied_id uuid, pending uuid[],
               refold boolean, now_us bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
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
        AND s.lease_until > clock_timestamp();
  END LOOP;
END $$;

-- What the runner writes itself costs no call of the function (002) any more.
CREATE OR REPLACE TRIGGER mana_ai_note_mission_change AFTER INSERT ON public.sync_changes
  FOR EACH ROW WHEN (NEW.app_id = 'ai' AND NEW.table_name = 'aiMissions'
                     AND current_setting('mana_ai.snapshot_is_current', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION mana_ai.note_mission_change();
