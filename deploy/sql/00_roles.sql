-- Roles of the mission runner. Run once as superuser, in the database of the change log:
--   psql -v ON_ERROR_STOP=1 -v runner_password=… -v migrator_password=… -f 00_roles.sql
-- Safe to run again; it then only sets the passwords anew.
--
--   mana_ai_owner     owns schema mana_ai; nobody logs in as it
--   mana_ai_migrator  logs in to migrate the schema, as mana_ai_owner
--   mana_ai_runner    logs in as the service: owns nothing, cannot bypass row level security
\if :{?runner_password}
\else
  \echo 'runner_password is not set: add -v runner_password=…'
  \quit 3
\endif
\if :{?migrator_password}
\else
  \echo 'migrator_password is not set: add -v migrator_password=…'
  \quit 3
\endif

SET client_min_messages = warning; -- what is there already is no news

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_ai_owner') THEN
    CREATE ROLE mana_ai_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_ai_migrator') THEN
    CREATE ROLE mana_ai_migrator LOGIN NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_ai_runner') THEN
    CREATE ROLE mana_ai_runner LOGIN;
  END IF;
END $$;

ALTER ROLE mana_ai_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
ALTER ROLE mana_ai_migrator LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
  PASSWORD :'migrator_password';
ALTER ROLE mana_ai_runner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
  PASSWORD :'runner_password';
-- Limits of the role and not of a session: they hold behind a transaction pooler as well.
ALTER ROLE mana_ai_runner SET statement_timeout = '30s';
ALTER ROLE mana_ai_runner SET lock_timeout = '10s';
ALTER ROLE mana_ai_runner SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE mana_ai_runner SET jit = off; -- short statements: compiling one costs more than it can save
GRANT mana_ai_owner TO mana_ai_migrator;

CREATE SCHEMA IF NOT EXISTS mana_ai AUTHORIZATION mana_ai_owner;
GRANT USAGE ON SCHEMA mana_ai TO mana_ai_runner;
