-- What was decrypted, for the user to see: one row per record and run, appended for ever. The rows of
-- one user form a chain: each holds the hash of its predecessor and of its own content.

CREATE TABLE mana_ai.decrypt_audit (
  id            bigserial   NOT NULL,
  user_id       text        NOT NULL,
  mission_id    text        NOT NULL,
  iteration_id  text,
  table_name    text        NOT NULL,
  record_id     text        NOT NULL,
  status        text        NOT NULL,
  reason        text,
  -- Milliseconds, never before the predecessor's.
  ts            timestamptz NOT NULL,
  -- The lease token of the run, which tells apart the runs of one slot.
  run_id        uuid        NOT NULL,
  -- 1, 2, … per user, without a gap.
  position      bigint      NOT NULL,
  previous_hash bytea       NOT NULL,
  row_hash      bytea       NOT NULL,
  PRIMARY KEY (user_id, position),
  -- A write that is repeated after a COMMIT in doubt adds nothing. The mission stands between the
  -- two, so that the index serves no purpose but this one: a run belongs to one mission.
  CONSTRAINT decrypt_audit_once_per_run UNIQUE (user_id, mission_id, run_id, table_name, record_id),
  CONSTRAINT decrypt_audit_status CHECK (status IN ('ok', 'failed', 'scope-violation')),
  CONSTRAINT decrypt_audit_reason CHECK (reason IN ('record-not-in-grant-allowlist', 'ciphertext-malformed',
    'ciphertext-tampered-or-wrong-key', 'decrypt-failed', 'not-sealed-for-grant')),
  CONSTRAINT decrypt_audit_reason_unless_ok CHECK ((status = 'ok') = (reason IS NULL)),
  -- An entry of an index holds about 2,700 bytes; these together stay below.
  CONSTRAINT decrypt_audit_lengths CHECK (
    octet_length(user_id) BETWEEN 1 AND 512 AND octet_length(mission_id) <= 512 AND octet_length(iteration_id) <= 128
    AND octet_length(table_name) <= 128 AND octet_length(record_id) <= 512),
  CONSTRAINT decrypt_audit_position CHECK (position > 0),
  CONSTRAINT decrypt_audit_hashes CHECK (octet_length(previous_hash) = 32 AND octet_length(row_hash) = 32)
);
CREATE INDEX decrypt_audit_mission ON mana_ai.decrypt_audit (user_id, mission_id, ts DESC);

-- Forced: the owner, and with it every SECURITY DEFINER function, is bound to one user as well.
ALTER TABLE mana_ai.decrypt_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_ai.decrypt_audit FORCE ROW LEVEL SECURITY;
CREATE POLICY decrypt_audit_user_isolation ON mana_ai.decrypt_audit
  USING (user_id = current_setting('app.current_user_id', true))
  WITH CHECK (user_id = current_setting('app.current_user_id', true));

GRANT SELECT, INSERT ON mana_ai.decrypt_audit TO mana_ai_runner;
GRANT USAGE ON SEQUENCE mana_ai.decrypt_audit_id_seq TO mana_ai_runner;

-- -- append-only ------------------------------------------------------------------------------------

CREATE FUNCTION mana_ai.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'mana_ai.decrypt_audit is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE ALL ON FUNCTION mana_ai.refuse_audit_change() FROM PUBLIC;

-- The one who may delete: whoever acts as the owner, of the one user that this setting names for as
-- long as the transaction lasts. mana_ai.erase_user() does; nobody logs in as the owner.
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
-- Also where session_replication_role switches ordinary triggers off.
ALTER TABLE mana_ai.decrypt_audit ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE mana_ai.decrypt_audit ENABLE ALWAYS TRIGGER refuse_delete;
ALTER TABLE mana_ai.decrypt_audit ENABLE ALWAYS TRIGGER refuse_delete_of_others;

-- -- the chain --------------------------------------------------------------------------------------

-- Taken by whoever extends or removes a user's chain. A collision costs waiting, nothing else.
CREATE FUNCTION mana_ai.audit_lock_key(p_user text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('mana_ai.decrypt_audit:' || p_user, 0)
$$;

-- A text as it enters a hash: its length in bytes as four bytes, big-endian, and its UTF-8. Null is a
-- length of its own, with no bytes.
CREATE FUNCTION mana_ai.framed(p_text text) RETURNS bytea
LANGUAGE sql STABLE AS $$
  SELECT coalesce(int4send(octet_length(convert_to(p_text, 'UTF8'))) || convert_to(p_text, 'UTF8'), '\xffffffff')
$$;

-- The row's hash. actors/audit_chain computes the same when it checks a chain.
CREATE FUNCTION mana_ai.audit_row_hash(p_user text, p_position bigint, p_ts timestamptz, p_mission text,
  p_iteration text, p_table text, p_record text, p_status text, p_reason text, p_previous bytea) RETURNS bytea
LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to('mana-ai-audit:v1', 'UTF8') || mana_ai.framed(p_user) || mana_ai.framed(p_position::text)
                || mana_ai.framed(to_char(p_ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                || mana_ai.framed(p_mission) || mana_ai.framed(p_iteration) || mana_ai.framed(p_table)
                || mana_ai.framed(p_record) || mana_ai.framed(p_status) || mana_ai.framed(p_reason) || p_previous)
$$;

-- Appends rows to the chains of their users, with the caller's rights and under each user's scope.
-- The arrays run in parallel; the rows of a user stand together. Returns a row per user: how many of
-- the rows are new, or busy where another transaction is extending that chain: nothing of the user
-- is written then, and nobody has waited. Gives up after p_limit_ms.
CREATE FUNCTION mana_ai.append_audit(p_users text[], p_missions text[], p_runs uuid[], p_iterations text[],
  p_tables text[], p_records text[], p_statuses text[], p_reasons text[], p_limit_ms bigint)
RETURNS TABLE (chain text, busy boolean, appended bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_give_up timestamptz := clock_timestamp() + p_limit_ms * interval '1 millisecond';
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
    -- A statement of its own after the lock: it sees what the last holder committed.
    SELECT a.position, a.row_hash, a.ts INTO v_position, v_previous, v_ts
    FROM mana_ai.decrypt_audit a WHERE a.user_id = g.user_id ORDER BY a.position DESC LIMIT 1;
    IF NOT FOUND THEN
      v_position := 0;
      v_previous := decode(repeat('00', 32), 'hex');
    END IF;
    FOR i IN g.first .. g.last LOOP
      v_ts := greatest(v_ts, date_trunc('milliseconds', clock_timestamp()));
      v_hash := mana_ai.audit_row_hash(p_users[i], v_position + 1, v_ts, p_missions[i], p_iterations[i], p_tables[i],
                                       p_records[i], p_statuses[i], p_reasons[i], v_previous);
      INSERT INTO mana_ai.decrypt_audit (user_id, mission_id, iteration_id, table_name, record_id, status, reason, ts,
                                         run_id, position, previous_hash, row_hash)
      VALUES (p_users[i], p_missions[i], p_iterations[i], p_tables[i], p_records[i], p_statuses[i], p_reasons[i], v_ts,
              p_runs[i], v_position + 1, v_previous, v_hash)
      ON CONFLICT ON CONSTRAINT decrypt_audit_once_per_run DO NOTHING;
      IF FOUND THEN
        v_position := v_position + 1;
        v_previous := v_hash;
        appended := appended + 1;
      END IF;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION mana_ai.audit_lock_key(text), mana_ai.framed(text),
  mana_ai.audit_row_hash(text, bigint, timestamptz, text, text, text, text, text, text, bytea),
  mana_ai.append_audit(text[], text[], uuid[], text[], text[], text[], text[], text[], bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_ai.audit_lock_key(text), mana_ai.framed(text),
  mana_ai.audit_row_hash(text, bigint, timestamptz, text, text, text, text, text, text, bytea),
  mana_ai.append_audit(text[], text[], uuid[], text[], text[], text[], text[], text[], bigint) TO mana_ai_runner;
