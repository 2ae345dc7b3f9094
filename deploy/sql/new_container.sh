#!/usr/bin/env bash
# Prepares the new database of a PostgreSQL container: roles, the change log, rights. The official image runs this once,
# from /docker-entrypoint-initdb.d, as superuser and before anybody can connect; migrations follow as
# `mana-ai migrate`. For compose.yml and the `dev` overlay of Kubernetes.
#
# The other files of this directory are in SQL_DIR (default /sql). Passwords are files in SECRETS_DIR (default
# /run/secrets): runner-password, auth-password, migrator-password, sync-password.
set -euo pipefail

sql=${SQL_DIR:-/sql}
secrets=${SECRETS_DIR:-/run/secrets}

# Through standard input: arguments are visible to everybody on the machine. A password with a quote or a backslash
# would end its own line, so that such a one is refused.
password_lines() {
  local name value
  for name in runner auth migrator sync; do
    value=$(<"$secrets/$name-password")
    [[ -n $value && $value != *[\'\\]* && $value != *$'\n'* ]] || {
      echo "$secrets/$name-password: must be one line without quotes and backslashes" >&2
      return 1
    }
    printf "\\\\set %s_password '%s'\n" "$name" "$value"
  done
}

passwords=$(password_lines)
for file in 00_roles.sql 01_auth_roles.sql 10_standalone_sync.sql 20_grants.sql; do
  printf "%s\n\\\\i '%s/%s'\n" "$passwords" "$sql" "$file"
done | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --output /dev/null
