#!/usr/bin/env bash
# deploy/compose.yml without a container engine: docker-compose reads it, the rules of compose/policy.mjs hold and each
# finds what is planted for it, and what its containers would do is done with a PostgreSQL of this test:
# deploy/sql/new_container.sh prepares the database, then `mana-ai migrate` and mana-ai run with the settings and
# secrets of their services. Prints `ok <check>` or `FAIL <check>` for each; exit code 1 when one failed.
# shellcheck source-path=SCRIPTDIR source=../e2e/harness.sh
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/harness.sh"
# shellcheck source-path=SCRIPTDIR source=packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

# Not from PATH, where another tool of that name may come first.
compose=/usr/bin/docker-compose
[[ -x $compose ]] || fail "docker-compose is missing: run deploy/deps.sh tests"
[[ -f $checkout/http/webapp/dist/index.html ]] || fail "the app is not built: deploy/webapp.sh"

install_packages "$work/npm.log" || fail "the packages could not be installed"
start_cluster
server=127.0.0.1:$(<"$work/postgres/port")
"$checkout/deploy/secrets.sh" "$work/secrets" "$server/$database" "$binary"
before=$(cat "$work/secrets"/* | sha256sum)
"$checkout/deploy/secrets.sh" "$work/secrets" "$server/$database" "$binary"
equals "$(cat "$work/secrets"/* | sha256sum)" "$before" "the secrets after a second run of deploy/secrets.sh"
equals "$(stat -c %a "$work/secrets")" 700 "the mode of the directory of secrets"

# The example's settings, with the stand-in as its comment says. The file lies where the real one does, for the paths.
start_standin STANDIN_LATENCY_MS=10
sed -e "s|^MANA_LLM_URL=.*|MANA_LLM_URL=$llm_url|" -e 's|^LLM_IS_STANDIN=.*|LLM_IS_STANDIN=true|' \
  "$checkout/deploy/compose.env.example" >"$work/compose.env"
"$compose" --env-file "$work/compose.env" -f "$checkout/deploy/compose.yml" --profile standin config \
  >"$work/compose.log" 2>&1 || fail "docker-compose does not accept deploy/compose.yml"
echo "ok compose: docker-compose accepts it"
rc=0
"$checkout/deploy/node.sh" node "$checkout/tests/deploy/compose/check.mjs" "$checkout/deploy/compose.yml" "$work/compose.log" \
  "$work/secrets" "$work" || rc=1

# As the entry point of the image: as superuser, in the new database.
psql_on "$(cluster_url "$work/postgres")" -c "create database $database"
superuser_password=$(<"$work/postgres/superuser.password")
env -i PATH="$postgres_bin:$PATH" PGHOST=127.0.0.1 PGPORT="${server#*:}" PGPASSWORD="$superuser_password" \
  POSTGRES_USER=postgres POSTGRES_DB="$database" SQL_DIR="$checkout/deploy/sql" SECRETS_DIR="$work/secrets" \
  "$checkout/deploy/sql/new_container.sh" || fail "new_container.sh failed"
echo "ok compose: a new database is prepared"

# Nobody waits for anybody: what comes before its migration is alive and not ready until that is done, as are the pods
# of a new release in Kubernetes.
mapfile -t settings <"$work/mana-ai.env"
start_process app runner,auth,sync,web "${settings[@]}" WEB_ROOT="$checkout/http/webapp/dist"
wait_for 30 "mana-ai lives" answers app /health
not_ready() { [[ $(status app /ready) == 503 ]]; }
holds_for 3 "mana-ai is not ready before the migration" not_ready
echo "ok compose: not ready before the migration"

mapfile -t settings <"$work/migrate.env"
env -i "${settings[@]}" "$binary" migrate --target=runner,auth,sync >"$work/migrate.log" 2>&1 || fail "migrate failed"
echo "ok compose: migrate"
wait_for 60 "mana-ai is ready" is_ready app
echo "ok compose: ready after the migration"
stop_process app
equals "$exit_code" 0 "exit code"
[[ $rc == 0 ]] || fail "not all rules hold"
