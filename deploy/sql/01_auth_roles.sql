-- Roles of the auth target. Run once as superuser, in the database of the vaults (which may be that of
-- the change log or another one):
--   psql -v ON_ERROR_STOP=1 -v auth_password=… -v migrator_password=… -f 01_auth_roles.sql
-- Safe to run again; it then only sets the passwords anew.
--
--   mana_auth_owner   owns schema mana_auth; nobody logs in as it
--   mana_ai_migrator  logs in to migrate the schema, as mana_auth_owner
--   mana_auth         logs in as the service: owns nothing, cannot bypass row level security
\if :{?auth_password}
\else
  \echo 'auth_password is not set: add -v auth_password=…'
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
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_auth_owner') THEN
    CREATE ROLE mana_auth_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_ai_migrator') THEN
    CREATE ROLE mana_ai_migrator LOGIN NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mana_auth') THEN
    CREATE ROLE mana_auth LOGIN;
  END IF;
END $$;

ALTER ROLE mana_auth_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
ALTER ROLE mana_ai_migrator LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
  PASSWORD :'migrator_password';
ALTER ROLE mana_auth LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
  PASSWORD :'auth_password';
-- Limits of the role and not of a session: they hold behind a transaction pooler as well.
ALTER ROLE mana_auth SET statement_timeout = '10s';
ALTER ROLE mana_auth SET lock_timeout = '5s';
ALTER ROLE mana_auth SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE mana_auth SET jit = off; -- short statements: compiling one costs more than it can save
GRANT mana_auth_owner TO mana_ai_migrator;

CREATE SCHEMA IF NOT EXISTS mana_auth AUTHORIZATION mana_auth_owner;
GRANT USAGE ON SCHEMA mana_auth TO mana_auth;
