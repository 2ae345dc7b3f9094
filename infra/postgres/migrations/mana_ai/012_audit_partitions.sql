-- Audit rows by month, so that those beyond retention go as whole tables: nothing is deleted row by row, and the
-- append-only rules hold for every row that is there.
--
-- The chains survive it. Before a partition goes, the last row that each user loses is noted as their anchor: its
-- position and hash are what the next row continues. The log of a chain is then checked from there on.

-- -- the partitioned table --------------------------------------------------------------------------

-- What was written so far becomes the first partition as it is.
ALTER TABLE mana_ai.decrypt_audit RENAME TO decrypt_audit_first;
ALTER TABLE mana_ai.decrypt_audit_first RENAME CONSTRAINT decrypt_audit_pkey TO decrypt_audit_first_pkey;
ALTER TABLE mana_ai.decrypt_audit_first
  RENAME CONSTRAINT decrypt_audit_once_per_run TO decrypt_audit_first_once_per_run;
ALTER INDEX mana_ai.decrypt_audit_mission RENAME TO decrypt_audit_first_mission;
DROP POLICY decrypt_audit_user_isolation ON mana_ai.decrypt_audit_first;
DROP TRIGGER refuse_delete_of_others ON mana_ai.decrypt_audit_first;
REVOKE ALL ON mana_ai.decrypt_audit_first FROM mana_ai_runner;

-- A partition is unique in (user, position) and in (user, mission, run, table, record), see audit_partition(). Over
-- all of them the chain's lock sees to both (append_audit).
CREATE TABLE mana_ai.decrypt_audit
  (LIKE mana_ai.decrypt_audit_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)
  PARTITION BY RANGE (ts);
ALTER SEQUENCE mana_ai.decrypt_audit_id_seq OWNED BY mana_ai.decrypt_audit.id;

ALTER TABLE mana_ai.decrypt_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_ai.decrypt_audit FORCE ROW LEVEL SECURITY;
CREATE POLICY decrypt_audit_user_isolation ON mana_ai.decrypt_audit
  USING (user_id = current_setting('app.current_user_id', true))
  WITH CHECK (user_id = current_setting('app.current_user_id', true));
GRANT SELECT, INSERT ON mana_ai.decrypt_audit TO mana_ai_runner;

-- The trigger per row is inherited by every partition.
CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON mana_ai.decrypt_audit
  FOR EACH STATEMENT EXECUTE FUNCTION mana_ai.refuse_audit_change();
CREATE TRIGGER refuse_delete BEFORE DELETE ON mana_ai.decrypt_audit
  FOR EACH STATEMENT
  WHEN (current_user <> 'mana_ai_owner' OR coalesce(current_setting('mana_ai.erasing_user', true), '') = '')
  EXECUTE FUNCTION mana_ai.refuse_audit_change();
CREATE TRIGGER refuse_delete_of_others BEFORE DELETE ON mana_ai.decrypt_audit
  FOR EACH ROW
  WHEN (OLD.user_id IS DISTINCT FROM current_setting('mana_ai.erasing_user', true))
  EXECUTE FUNCTION mana_ai.refuse_audit_change();
ALTER TABLE mana_ai.decrypt_audit ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE mana_ai.decrypt_audit ENABLE ALWAYS TRIGGER refuse_delete;
ALTER TABLE mana_ai.decrypt_audit ENABLE ALWAYS TRIGGER refuse_delete_of_others;

-- -- partitions -------------------------------------------------------------------------------------

-- All of them with their ends; the default one, for rows that no month was made for, has none.
CREATE FUNCTION mana_ai.audit_partitions() RETURNS TABLE (name text, until_at timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
  SELECT c.relname::text, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'mana_ai.decrypt_audit'::regclass
$$;

-- The first moment of the UTC month that is p_months after that of p_at.
CREATE FUNCTION mana_ai.audit_month(p_at timestamptz, p_months integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (date_trunc('month', p_at AT TIME ZONE 'UTC') + p_months * interval '1 month') AT TIME ZONE 'UTC'
$$;

-- Makes a partition as closed as its parent: nobody reaches it directly. The one policy is for the owner's function
-- that writes the anchors, for as long as its own setting says so.
CREATE FUNCTION mana_ai.guard_audit_partition(p_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('ALTER TABLE mana_ai.%I ENABLE ROW LEVEL SECURITY', p_name);
  EXECUTE format('ALTER TABLE mana_ai.%I FORCE ROW LEVEL SECURITY', p_name);
  EXECUTE format('CREATE POLICY decrypt_audit_expiry ON mana_ai.%I FOR SELECT TO mana_ai_owner
                  USING (current_setting(''mana_ai.expiring_audit'', true) = ''on'')', p_name);
  EXECUTE format('REVOKE ALL ON mana_ai.%I FROM PUBLIC, mana_ai_runner', p_name);
  EXECUTE format('CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON mana_ai.%I
                  FOR EACH STATEMENT EXECUTE FUNCTION mana_ai.refuse_audit_change()', p_name);
  EXECUTE format('CREATE OR REPLACE TRIGGER refuse_delete BEFORE DELETE ON mana_ai.%I
                  FOR EACH STATEMENT EXECUTE FUNCTION mana_ai.refuse_audit_change()', p_name);
  EXECUTE format('ALTER TABLE mana_ai.%I ENABLE ALWAYS TRIGGER refuse_change', p_name);
  EXECUTE format('ALTER TABLE mana_ai.%I ENABLE ALWAYS TRIGGER refuse_delete', p_name);
END $$;

-- Makes a table that can be attached as a partition.
CREATE FUNCTION mana_ai.new_audit_partition(p_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TABLE mana_ai.%I
                    (LIKE mana_ai.decrypt_audit INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE,
                     PRIMARY KEY (user_id, position),
                     UNIQUE (user_id, mission_id, run_id, table_name, record_id))', p_name);
  EXECUTE format('CREATE INDEX ON mana_ai.%I (user_id, mission_id, ts DESC)', p_name);
  PERFORM mana_ai.guard_audit_partition(p_name);
END $$;

-- Makes the partitions of this month and the next p_ahead ones, and returns how many it made. Rows that came while a
-- month was missing lie in the default partition, which then becomes that of the whole time it served for.
CREATE FUNCTION mana_ai.add_audit_partitions(p_ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '3s' AS $$
DECLARE
  v_made integer := 0;
  v_from timestamptz;
  v_until timestamptz;
  v_stray timestamptz;
  v_name text;
BEGIN
  IF p_ahead NOT BETWEEN 1 AND 24 THEN
    RAISE EXCEPTION 'between 1 and 24 months ahead' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('mana_ai.audit_partitions', 0));
  PERFORM set_config('mana_ai.expiring_audit', 'on', true);
  SELECT coalesce(max(p.until_at), mana_ai.audit_month(now(), 0)) INTO v_from FROM mana_ai.audit_partitions() p;
  WHILE v_from < mana_ai.audit_month(now(), p_ahead + 1) LOOP
    v_until := mana_ai.audit_month(v_from, 1);
    v_name := 'decrypt_audit_' || to_char(v_from, 'YYYY_MM');
    SELECT max(d.ts) INTO v_stray FROM mana_ai.decrypt_audit_default d
    WHERE d.ts >= v_from
      AND EXISTS (SELECT FROM mana_ai.decrypt_audit_default e WHERE e.ts >= v_from AND e.ts < v_until);
    IF v_stray < 'infinity' THEN
      v_until := mana_ai.audit_month(v_stray, 1);
      ALTER TABLE mana_ai.decrypt_audit DETACH PARTITION mana_ai.decrypt_audit_default;
      EXECUTE format('ALTER TABLE mana_ai.decrypt_audit_default RENAME TO %I', v_name);
      PERFORM mana_ai.new_audit_partition('decrypt_audit_default');
      ALTER TABLE mana_ai.decrypt_audit ATTACH PARTITION mana_ai.decrypt_audit_default DEFAULT;
    ELSE
      PERFORM mana_ai.new_audit_partition(v_name);
    END IF;
    EXECUTE format('ALTER TABLE mana_ai.decrypt_audit ATTACH PARTITION mana_ai.%I FOR VALUES FROM (%L) TO (%L)',
                   v_name, v_from, v_until);
    v_made := v_made + 1;
    v_from := v_until;
  END LOOP;
  PERFORM set_config('mana_ai.expiring_audit', '', true);
  RETURN v_made;
END $$;

SELECT mana_ai.guard_audit_partition('decrypt_audit_first');
SELECT mana_ai.new_audit_partition('decrypt_audit_default');
ALTER TABLE mana_ai.decrypt_audit ATTACH PARTITION mana_ai.decrypt_audit_default DEFAULT;
-- Rows whose time lies ahead of the clock (it was set back) are in it as well.
DO $$
DECLARE
  v_until timestamptz;
BEGIN
  PERFORM set_config('mana_ai.expiring_audit', 'on', true);
  SELECT mana_ai.audit_month(greatest(now(), max(a.ts)), 1) INTO v_until FROM mana_ai.decrypt_audit_first a;
  EXECUTE format('ALTER TABLE mana_ai.decrypt_audit ATTACH PARTITION mana_ai.decrypt_audit_first
                  FOR VALUES FROM (MINVALUE) TO (%L)', v_until);
  PERFORM set_config('mana_ai.expiring_audit', '', true);
END $$;

-- -- anchors ----------------------------------------------------------------------------------------

-- The last row of each user that retention has removed. Written by drop_expired_audit() alone.
CREATE TABLE mana_ai.audit_anchors (
  user_id  text        PRIMARY KEY CHECK (user_id <> ''),
  position bigint      NOT NULL CHECK (position > 0),
  row_hash bytea       NOT NULL CHECK (octet_length(row_hash) = 32),
  ts       timestamptz NOT NULL
);
ALTER TABLE mana_ai.audit_anchors ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_ai.audit_anchors FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_anchors_user_isolation ON mana_ai.audit_anchors
  USING (user_id = current_setting('app.current_user_id', true));
CREATE POLICY audit_anchors_expiry ON mana_ai.audit_anchors TO mana_ai_owner
  USING (current_setting('mana_ai.expiring_audit', true) = 'on')
  WITH CHECK (current_setting('mana_ai.expiring_audit', true) = 'on');
GRANT SELECT ON mana_ai.audit_anchors TO mana_ai_runner;

-- Drops the partitions that ended longer than p_keep ago, and returns how many. The anchors are read before the table
-- is locked: nobody writes into a month that is over for so long. By the database's clock, which a caller cannot set.
CREATE FUNCTION mana_ai.drop_expired_audit(p_keep interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  v_expired text[];
  v_name text;
BEGIN
  IF p_keep IS NULL OR p_keep < interval '30 days' THEN
    RAISE EXCEPTION 'audit rows are kept for 30 days at least' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('mana_ai.audit_partitions', 0));
  -- No account is erased meanwhile: its anchor would come back.
  LOCK TABLE mana_ai.audit_anchors IN SHARE ROW EXCLUSIVE MODE;
  SELECT array_agg(p.name ORDER BY p.until_at) INTO v_expired
  FROM mana_ai.audit_partitions() p WHERE p.until_at <= now() - p_keep;
  IF v_expired IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM set_config('mana_ai.expiring_audit', 'on', true);
  FOREACH v_name IN ARRAY v_expired LOOP
    EXECUTE format('INSERT INTO mana_ai.audit_anchors AS a (user_id, position, row_hash, ts)
                    SELECT DISTINCT ON (p.user_id) p.user_id, p.position, p.row_hash, p.ts FROM mana_ai.%I p
                    ORDER BY p.user_id, p.position DESC
                    ON CONFLICT (user_id) DO UPDATE
                    SET position = excluded.position, row_hash = excluded.row_hash, ts = excluded.ts
                    WHERE excluded.position > a.position', v_name);
  END LOOP;
  PERFORM set_config('mana_ai.expiring_audit', '', true);
  FOREACH v_name IN ARRAY v_expired LOOP
    EXECUTE format('DROP TABLE mana_ai.%I', v_name);
  END LOOP;
  RETURN cardinality(v_expired);
END $$;

SELECT mana_ai.add_audit_partitions();

-- -- the chain --------------------------------------------------------------------------------------

-- As before (migration 005), over partitions: a row is looked for under the chain's lock before it is written, in the
-- last day, which is longer than anybody repeats a write; and a chain whose rows are gone continues its anchor.
-- force_generic_plan: planning over all partitions at every call costs more than it finds.
CREATE OR REPLACE FUNCTION mana_ai.append_audit(p_users text[], p_missions text[], p_runs uuid[], p_iterations text[],
  p_tables text[], p_records text[], p_statuses text[], p_reasons text[], p_limit_ms bigint)
RETURNS TABLE (chain text, busy boolean, appended bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_give_up timestamptz := clock_timestamp() + p_limit_ms * interval '1 millisecond';
  v_recent timestamptz := clock_timestamp() - interval '31 days';
  v_look_back timestamptz;
  v_position bigint;
  v_hash bytea;
  v_previous bytea;
  v_ts timestamptz;
  g record;
  i integer;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a chain''s head must be read after its lock was taken, which needs READ COMMITTED'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  -- A row that a crash could forget would not be one that the user can rely on.
  IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- Of a lock on the whole table, say. statement_timeout would not reach a statement that has begun.
  PERFORM set_config('lock_timeout', greatest(p_limit_ms, 1)::text, true);
  FOR g IN SELECT u.user_id, min(u.ord)::integer AS first, max(u.ord)::integer AS last
           FROM unnest(p_users) WITH ORDINALITY AS u(user_id, ord) GROUP BY u.user_id ORDER BY first LOOP
    IF clock_timestamp() > v_give_up THEN
      RAISE EXCEPTION 'the audit rows took longer than % ms', p_limit_ms USING ERRCODE = 'query_canceled';
    END IF;
    PERFORM set_config('app.current_user_id', g.user_id, true);
    chain := g.user_id;
    appended := 0;
    busy := NOT pg_try_advisory_xact_lock(mana_ai.audit_lock_key(g.user_id));
    IF busy THEN
      RETURN NEXT;
      CONTINUE;
    END IF;
    -- Statements of their own after the lock: they see what the last holder committed. Most chains end in one of the
    -- newest partitions; the others are looked at only when it does not.
    SELECT a.position, a.row_hash, a.ts INTO v_position, v_previous, v_ts
    FROM mana_ai.decrypt_audit a WHERE a.user_id = g.user_id AND a.ts >= v_recent ORDER BY a.position DESC LIMIT 1;
    IF NOT FOUND THEN
      SELECT a.position, a.row_hash, a.ts INTO v_position, v_previous, v_ts
      FROM mana_ai.decrypt_audit a WHERE a.user_id = g.user_id ORDER BY a.position DESC LIMIT 1;
    END IF;
    IF NOT FOUND THEN
      SELECT a.position, a.row_hash, a.ts INTO v_position, v_previous, v_ts
      FROM mana_ai.audit_anchors a WHERE a.user_id = g.user_id;
    END IF;
    IF NOT FOUND THEN
      v_position := 0;
      v_previous := decode(repeat('00', 32), 'hex');
    END IF;
    v_look_back := least(v_ts, clock_timestamp()) - interval '1 day';
    FOR i IN g.first .. g.last LOOP
      CONTINUE WHEN EXISTS (
        SELECT FROM mana_ai.decrypt_audit a
        WHERE a.user_id = p_users[i] AND a.mission_id = p_missions[i] AND a.run_id = p_runs[i]
          AND a.table_name = p_tables[i] AND a.record_id = p_records[i] AND a.ts >= v_look_back);
      v_ts := greatest(v_ts, date_trunc('milliseconds', clock_timestamp()));
      v_position := v_position + 1;
      v_hash := mana_ai.audit_row_hash(p_users[i], v_position, v_ts, p_missions[i], p_iterations[i], p_tables[i],
                                       p_records[i], p_statuses[i], p_reasons[i], v_previous);
      INSERT INTO mana_ai.decrypt_audit (user_id, mission_id, iteration_id, table_name, record_id, status, reason, ts,
                                         run_id, position, previous_hash, row_hash)
      VALUES (p_users[i], p_missions[i], p_iterations[i], p_tables[i], p_records[i], p_statuses[i], p_reasons[i], v_ts,
              p_runs[i], v_position, v_previous, v_hash);
      v_previous := v_hash;
      appended := appended + 1;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;

-- -- erasing a user ---------------------------------------------------------------------------------

-- As before (migration 006), and what came since: the user's limits, and the anchor, before any audit row, because
-- drop_expired_audit locks in this order, too.
CREATE OR REPLACE FUNCTION mana_ai.erase_user(p_user text)
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
  DELETE FROM mana_ai.user_limits l WHERE l.user_id = p_user;
  PERFORM pg_advisory_xact_lock(mana_ai.audit_lock_key(p_user));
  DELETE FROM mana_ai.audit_anchors a WHERE a.user_id = p_user;
  PERFORM set_config('mana_ai.erasing_user', p_user, true);
  DELETE FROM mana_ai.decrypt_audit a WHERE a.user_id = p_user;
  GET DIAGNOSTICS audit_rows = ROW_COUNT;
  PERFORM set_config('mana_ai.erasing_user', '', true);
  PERFORM pg_notify('mana_ai_stop_runs', 'user:' || encode(sha256(convert_to(p_user, 'UTF8')), 'hex'));
  RETURN NEXT;
END $$;

REVOKE ALL ON FUNCTION mana_ai.audit_partitions(), mana_ai.audit_month(timestamptz, integer),
  mana_ai.guard_audit_partition(text), mana_ai.new_audit_partition(text), mana_ai.add_audit_partitions(integer),
  mana_ai.drop_expired_audit(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.add_audit_partitions(integer), mana_ai.drop_expired_audit(interval)
  TO mana_ai_runner;
