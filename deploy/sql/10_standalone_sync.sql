-- Standalone mode only: the change log that an installation otherwise has from its sync service.
--   psql -v ON_ERROR_STOP=1 -v sync_password=… -f 10_standalone_sync.sql
-- Run once as superuser; safe to run again. Never run it where a sync service owns the table.
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
