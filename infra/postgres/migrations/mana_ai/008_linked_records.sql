-- Like read_history, and in the same round trip the history of each record that one of the rows points to: the
-- value of p_link_fields, a record of the same user in the given app and table. Such rows carry its id in
-- linked_id. Which of them the merged record points to is known only after merging. A link field that is null
-- links nothing.
CREATE FUNCTION mana_ai.read_linked_history(p_users text[], p_apps text[], p_tables text[], p_records text[],
  p_link_fields text[], p_link_apps text[], p_link_tables text[])
RETURNS TABLE (ord integer, linked_id text, id uuid, created_us bigint, op text, data text, field_timestamps text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  g record;
BEGIN
  FOR g IN SELECT k.user_id, array_agg(k.ord::integer) AS ords, array_agg(k.app) AS apps,
                  array_agg(k.tab) AS tables, array_agg(k.record) AS records,
                  array_agg(k.link_field) AS link_fields, array_agg(k.link_app) AS link_apps,
                  array_agg(k.link_table) AS link_tables
           FROM unnest(p_users, p_apps, p_tables, p_records, p_link_fields, p_link_apps, p_link_tables)
             WITH ORDINALITY AS k(user_id, app, tab, record, link_field, link_app, link_table, ord)
           GROUP BY k.user_id LOOP
    PERFORM set_config('app.current_user_id', g.user_id, true);
    RETURN QUERY
      WITH own AS MATERIALIZED (
        SELECT k.ord, k.link_app, k.link_table, c.data ->> k.link_field AS target,
               c.id, c.created_at, c.op, c.data, c.field_timestamps
        FROM unnest(g.ords, g.apps, g.tables, g.records, g.link_fields, g.link_apps, g.link_tables)
          AS k(ord, app, tab, record, link_field, link_app, link_table)
        CROSS JOIN LATERAL (
          SELECT h.id, h.created_at, h.op, h.data, h.field_timestamps FROM public.sync_changes h
          WHERE h.table_name = k.tab AND h.record_id = k.record AND h.user_id = g.user_id AND h.app_id = k.app) c),
      targets AS MATERIALIZED (
        SELECT DISTINCT o.ord, o.link_app, o.link_table, o.target FROM own o WHERE o.target IS NOT NULL)
      SELECT o.ord, NULL::text, o.id, (extract(epoch FROM o.created_at) * 1000000)::bigint, o.op, o.data::text,
             o.field_timestamps::text
      FROM own o
      UNION ALL
      SELECT t.ord, t.target, c.id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.op, c.data::text,
             c.field_timestamps::text
      FROM targets t
      CROSS JOIN LATERAL (
        SELECT h.id, h.created_at, h.op, h.data, h.field_timestamps FROM public.sync_changes h
        WHERE h.table_name = t.link_table AND h.record_id = t.target AND h.user_id = g.user_id
          AND h.app_id = t.link_app) c;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION mana_ai.read_linked_history(text[], text[], text[], text[], text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.read_linked_history(text[], text[], text[], text[], text[], text[], text[])
  TO mana_ai_runner;
