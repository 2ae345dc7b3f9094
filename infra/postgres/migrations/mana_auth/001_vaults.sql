-- Vaults: one master key per user, which this database only ever holds wrapped.
--
-- Rows belong to `app.current_user_id` of the transaction; row level security is forced, so that the
-- tables' owner is bound by it as well. Binary values are base64 text: 48 bytes (a key with its
-- tag) are 64 characters, the 12 bytes of an IV 16.

-- Either the server can unwrap the master key with the KEK `kek_id`, or the vault is in
-- zero-knowledge mode: then no KEK wrap exists and only the user's recovery code opens it.
--
-- Old versions of a row hold wraps that were meant to be gone: they are vacuumed away at the first
-- occasion, not after the fifty that are PostgreSQL's default.
CREATE TABLE mana_auth.encryption_vaults (
  user_id             text        PRIMARY KEY CHECK (user_id <> ''),
  wrapped_mk          text        CHECK (length(wrapped_mk) = 64),
  wrap_iv             text        CHECK (length(wrap_iv) = 16),
  kek_id              text        CHECK (kek_id ~ '^[A-Za-z0-9._-]{1,64}$'),
  recovery_wrapped_mk text        CHECK (length(recovery_wrapped_mk) = 64),
  recovery_iv         text        CHECK (length(recovery_iv) = 16),
  zero_knowledge      boolean     NOT NULL DEFAULT false,
  created_at          timestamptz NOT NULL DEFAULT now(),
  rotated_at          timestamptz,
  updated_at          timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT recovery_wrap_is_whole CHECK ((recovery_wrapped_mk IS NULL) = (recovery_iv IS NULL)),
  CONSTRAINT somebody_can_unwrap CHECK (
    CASE WHEN zero_knowledge
      THEN num_nonnulls(wrapped_mk, wrap_iv, kek_id) = 0 AND recovery_wrapped_mk IS NOT NULL
      ELSE num_nonnulls(wrapped_mk, wrap_iv, kek_id) = 3 END)
) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);

ALTER TABLE mana_auth.encryption_vaults ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.encryption_vaults FORCE ROW LEVEL SECURITY;
CREATE POLICY encryption_vaults_user_isolation ON mana_auth.encryption_vaults
  USING (user_id = current_setting('app.current_user_id', true))
  WITH CHECK (user_id = current_setting('app.current_user_id', true));

-- No service deletes a vault: with it all that was encrypted under its key would be lost.
GRANT SELECT, INSERT ON mana_auth.encryption_vaults TO mana_auth;
GRANT UPDATE (wrapped_mk, wrap_iv, kek_id, recovery_wrapped_mk, recovery_iv, zero_knowledge, rotated_at, updated_at)
  ON mana_auth.encryption_vaults TO mana_auth;

-- What was done with a vault and what was refused. `ok` rows are written in the transaction of what
-- they tell; others in one of their own, since the attempt's is rolled back. `reason` is the error's
-- code; `mission_id` and `record_count` belong to grants.
CREATE TABLE mana_auth.vault_audit (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      text        NOT NULL CHECK (user_id <> ''),
  action       text        NOT NULL CHECK (action IN (
    'init', 'key-read', 'rewrap', 'rotate', 'recovery-set', 'recovery-removed', 'zero-knowledge-on',
    'zero-knowledge-off', 'grant')),
  outcome      text        NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
  reason       text        CHECK (length(reason) <= 100),
  mission_id   text        CHECK (length(mission_id) <= 200),
  record_count integer     CHECK (record_count >= 0),
  ts           timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT failures_have_reasons CHECK ((outcome = 'ok') = (reason IS NULL))
);

-- Serves the user's own list and the limit on grants per hour.
CREATE INDEX vault_audit_user ON mana_auth.vault_audit (user_id, action, outcome, ts DESC);

ALTER TABLE mana_auth.vault_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.vault_audit FORCE ROW LEVEL SECURITY;
CREATE POLICY vault_audit_user_isolation ON mana_auth.vault_audit
  USING (user_id = current_setting('app.current_user_id', true))
  WITH CHECK (user_id = current_setting('app.current_user_id', true));

-- Append-only twice: the login has no right to change rows, and the trigger refuses whoever has.
GRANT SELECT, INSERT ON mana_auth.vault_audit TO mana_auth;

CREATE FUNCTION mana_auth.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE ALL ON FUNCTION mana_auth.refuse_change() FROM PUBLIC;

CREATE TRIGGER vault_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mana_auth.vault_audit
  FOR EACH STATEMENT EXECUTE FUNCTION mana_auth.refuse_change();

GRANT SELECT ON mana_auth.schema_migrations TO mana_auth; -- /ready compares it with what the binary knows
