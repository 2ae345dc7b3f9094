-- Standalone mode only: the change log that an installation otherwise has from its sync service, and the
-- roles of the sync target.
--   psql -v ON_ERROR_STOP=1 -v sync_password=… -f 10_standalone_sync.sql
-- Run once as superuser, after 00_roles.sql; safe to run again. Never run it where another sync service
-- owns the table.
--
--   mana_sync_owner   owns the table and schema mana_sync; nobody logs in as it
--   mana_ai_migrator  logs in to migrate the schema, as mana_sync_owner
--   mana_sync         logs in as the service: owns nothing, cannot bypass row level security
\if :{?sync_password}
\else
  \echo 'sync_password is not set: add -v sync_password=…'
  \quit 3
\endif

SET client_min_messages = warning; -- what is there already is no news

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_sync_owner') THEN
    CREATE ROLE mana_sync_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_sync') THEN
    CREATE ROLE mana_sync LOGIN;
  END IF;
END $$;
ALTER ROLE mana_sync_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
ALTER ROLE mana_sync LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'sync_password';
-- Limits of the role and not of a session: they hold behind a transaction pooler as well.
ALTER ROLE mana_sync SET statement_timeout = '20s';
ALTER ROLE mana_sync SET lock_timeout = '10s';
ALTER ROLE mana_sync SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE mana_sync SET jit = off; -- short statements: compiling one costs more than it can save
GRANT mana_sync_owner TO mana_ai_migrator;
CREATE SCHEMA IF NOT EXISTS mana_sync AUTHORIZATION mana_sync_owner;
GRANT USAGE ON SCHEMA mana_sync TO mana_sync;
GRANT CREATE ON SCHEMA public TO mana_sync_owner; -- an index lies in the schema of its table

CREATE TABLE IF NOT EXISTS public.sync_changes (
  id               uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  app_id           text        NOT NULL,
  table_name       text        NOT NULL,
  record_id        text        NOT NULL,
  user_id          text        NOT NULL,
  op               text        NOT NULL CHECK (op IN ('insert', 'update', 'delete')),
  data             jsonb,
  field_timestamps jsonb       DEFAULT '{}',
  client_id        text        NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  schema_version   integer     NOT NULL DEFAULT 1,
  actor            jsonb
);
ALTER TABLE public.sync_changes OWNER TO mana_sync_owner;

CREATE INDEX IF NOT EXISTS sync_changes_user_app ON public.sync_changes (user_id, app_id, created_at);
CREATE INDEX IF NOT EXISTS sync_changes_record ON public.sync_changes (table_name, record_id, created_at);
CREATE INDEX IF NOT EXISTS sync_changes_user_app_table
  ON public.sync_changes (user_id, app_id, table_name, created_at);

ALTER TABLE public.sync_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_changes FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'public' AND tablename = 'sync_changes'
                 AND policyname = 'sync_changes_user_isolation') THEN
    CREATE POLICY sync_changes_user_isolation ON public.sync_changes
      USING (user_id = current_setting('app.current_user_id', true))
      WITH CHECK (user_id = current_setting('app.current_user_id', true));
  END IF;
END $$;

GRANT SELECT, INSERT ON public.sync_changes TO mana_sync;
