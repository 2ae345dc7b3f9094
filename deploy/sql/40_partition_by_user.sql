-- Optional: hash partitions by user for the tables that every run writes. For installations whose missions no longer
-- fit one table well (vacuum, index depth), or that will be distributed by user: every key begins with the user, or
-- holds it. The data stays; what is partitioned already is left alone. As superuser, or as mana_ai_migrator:
--   psql -v ON_ERROR_STOP=1 -v partitions=16 -f 40_partition_by_user.sql
-- Stop the runners first: the tables are locked until their rows are copied. Later migrations apply as before.
\if :{?partitions}
\else
  \set partitions 16
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL ROLE mana_ai_owner;
SELECT set_config('mana_ai.partitions', :'partitions', true) \g /dev/null

-- Everything of the old table is read from the catalog, so that this file need not know what migrations added: columns,
-- defaults, checks, storage, indexes, row level security, rights and triggers. Two things change. A key has to hold the
-- user, and an identity column becomes one with a sequence, because a partitioned table of PostgreSQL 15 has none.
DO $$
DECLARE
  v_partitions integer := current_setting('mana_ai.partitions')::integer;
  v_tables text[] := ARRAY['mission_snapshots', 'user_turns', 'mission_dirty', 'user_limits'];
  v_table text;
  v_old regclass;
  v_statements text[];
  v_options text;
  v_columns text;
  v_identity text;
  r record;
  i integer;
BEGIN
  IF v_partitions NOT BETWEEN 2 AND 1024 THEN
    RAISE EXCEPTION 'partitions: between 2 and 1024' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOREACH v_table IN ARRAY v_tables LOOP
    CONTINUE WHEN (SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = format('mana_ai.%I', v_table)::regclass);
    EXECUTE format('LOCK TABLE mana_ai.%I', v_table);
    v_old := format('mana_ai.%I', v_table)::regclass;

    -- What is to be said of the new table, while the old one still has its name.
    v_statements := ARRAY[]::text[];
    FOR r IN SELECT c.conname, c.contype, array_agg(quote_ident(a.attname)::text ORDER BY k.n) AS columns
             FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k(attnum, n)
             JOIN pg_attribute a ON a.attrelid = v_old AND a.attnum = k.attnum
             WHERE c.conrelid = v_old AND c.contype IN ('p', 'u') GROUP BY c.oid LOOP
      v_statements := v_statements || format('ALTER TABLE mana_ai.%I ADD CONSTRAINT %I %s (%s)', v_table, r.conname,
        CASE r.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, array_to_string(
          CASE WHEN 'user_id' = ANY (r.columns) THEN r.columns ELSE r.columns || 'user_id'::text END, ', '));
    END LOOP;
    v_statements := v_statements || ARRAY(
      SELECT pg_get_indexdef(x.indexrelid) FROM pg_index x WHERE x.indrelid = v_old
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid));
    v_statements := v_statements || ARRAY(
      SELECT format('CREATE POLICY %I ON mana_ai.%I AS %s FOR %s TO %s', p.policyname, v_table, p.permissive, p.cmd,
                    array_to_string(p.roles, ', '))
             || coalesce(' USING (' || p.qual || ')', '') || coalesce(' WITH CHECK (' || p.with_check || ')', '')
      FROM pg_policies p WHERE p.schemaname = 'mana_ai' AND p.tablename = v_table);
    v_statements := v_statements || ARRAY(
      SELECT format('GRANT %s ON mana_ai.%I TO %s', g.privilege_type, v_table,
                    CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END)
      FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = v_old AND g.grantee <> c.relowner);
    v_statements := v_statements || ARRAY(
      SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = v_old AND NOT t.tgisinternal);
    SELECT string_agg(o, ', ') INTO v_options
    FROM (SELECT unnest(c.reloptions) AS o FROM pg_class c WHERE c.oid = v_old
          UNION ALL
          SELECT 'toast.' || unnest(t.reloptions) FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid
          WHERE c.oid = v_old) x;
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), max(a.attname) FILTER (WHERE a.attidentity <> '')
    INTO v_columns, v_identity
    FROM pg_attribute a WHERE a.attrelid = v_old AND a.attnum > 0 AND NOT a.attisdropped;

    -- The names of the old indexes are the new ones'.
    FOR r IN SELECT x.indexrelid::regclass AS index, c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
             WHERE x.indrelid = v_old LOOP
      EXECUTE format('ALTER INDEX %s RENAME TO %I', r.index, 'whole_' || r.relname);
    END LOOP;
    EXECUTE format('ALTER TABLE mana_ai.%I RENAME TO %I', v_table, 'whole_' || v_table);
    EXECUTE format('CREATE TABLE mana_ai.%I (LIKE mana_ai.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE
                    INCLUDING COMPRESSION INCLUDING GENERATED) PARTITION BY HASH (user_id)',
                   v_table, 'whole_' || v_table);
    FOR i IN 0 .. v_partitions - 1 LOOP
      EXECUTE format('CREATE TABLE mana_ai.%I PARTITION OF mana_ai.%I FOR VALUES WITH (MODULUS %s, REMAINDER %s)%s',
                     v_table || '_' || i, v_table, v_partitions, i, coalesce(' WITH (' || v_options || ')', ''));
      -- Without a policy: reached through the whole table alone.
      EXECUTE format('ALTER TABLE mana_ai.%I ENABLE ROW LEVEL SECURITY', v_table || '_' || i);
    END LOOP;
    EXECUTE format('INSERT INTO mana_ai.%I (%s) SELECT %2$s FROM mana_ai.%I', v_table, v_columns, 'whole_' || v_table);
    IF v_identity IS NOT NULL THEN
      EXECUTE format('CREATE SEQUENCE mana_ai.%I OWNED BY mana_ai.%I.%I', v_table || '_ids', v_table, v_identity);
      EXECUTE format('ALTER TABLE mana_ai.%I ALTER COLUMN %I SET DEFAULT nextval(%L)', v_table, v_identity,
                     format('mana_ai.%I', v_table || '_ids'));
      EXECUTE format('SELECT setval(%L, nextval(%L))', format('mana_ai.%I', v_table || '_ids'),
                     pg_get_serial_sequence(format('mana_ai.%I', 'whole_' || v_table), v_identity));
    END IF;
    EXECUTE format('DROP TABLE mana_ai.%I', 'whole_' || v_table);
    EXECUTE format('ALTER TABLE mana_ai.%I ENABLE ROW LEVEL SECURITY', v_table);
    FOR i IN 1 .. cardinality(v_statements) LOOP
      EXECUTE v_statements[i];
    END LOOP;
  END LOOP;
END $$;
COMMIT;

ANALYZE mana_ai.mission_snapshots, mana_ai.user_turns, mana_ai.mission_dirty, mana_ai.user_limits;
