#!/usr/bin/env bash
# Prepares a database as its operator would: roles, sync tables (standalone mode), rights, migrations, missions that
# were there before. Idempotent; a second run with other passwords changes the passwords.
#
#   database.sh <superuser-uri> <database> <path of mana-ai>
#
# RUNNER_PASSWORD, AUTH_PASSWORD, MIGRATOR_PASSWORD and SYNC_PASSWORD come from the environment.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

superuser_url=${1:?usage: database.sh <superuser-uri> <database> <path of mana-ai>}
database=${2:?name of the database}
binary=${3:?path of mana-ai}
: "${RUNNER_PASSWORD:?}" "${AUTH_PASSWORD:?}" "${MIGRATOR_PASSWORD:?}" "${SYNC_PASSWORD:?}"

server=${superuser_url#*@}
server=${server%%/*}
database_url=${superuser_url%/*}/$database

exists=$(psql_on "$superuser_url" -At -v name="$database" <<<"select 1 from pg_database where datname = :'name'")
[[ $exists == 1 ]] || psql_on "$superuser_url" -v name="$database" <<<'create database :"name"'

# Passwords reach psql through its standard input: arguments are visible to everybody on the machine.
run_sql() {
  {
    printf "\\\\set runner_password '%s'\n" "$RUNNER_PASSWORD"
    printf "\\\\set auth_password '%s'\n" "$AUTH_PASSWORD"
    printf "\\\\set migrator_password '%s'\n" "$MIGRATOR_PASSWORD"
    printf "\\\\set sync_password '%s'\n" "$SYNC_PASSWORD"
    printf "\\\\i '%s'\n" "$checkout/deploy/sql/$1"
  } | psql_on "$database_url" -o /dev/null
}

run_sql 00_roles.sql
run_sql 01_auth_roles.sql
run_sql 10_standalone_sync.sql
run_sql 20_grants.sql
MIGRATION_DATABASE_URL=postgresql://mana_ai_migrator:$MIGRATOR_PASSWORD@$server/$database \
  "$binary" migrate --target=runner,auth,sync
run_sql 30_bootstrap.sql
