#!/usr/bin/env bash
# Wrong settings are all named at once and end the process; a wrong database password is said clearly by `check` and
# by /ready, and is never printed itself.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

# run <NAME=value...> -- <arguments...>: sets exit_code and output.
run() {
  local settings=()
  while [[ $1 != -- ]]; do
    settings+=("$1")
    shift
  done
  shift
  exit_code=0
  output=$(env -i PATH="$PATH" "${settings[@]}" timeout 30 "$binary" "$@" 2>&1 </dev/null) || exit_code=$?
  ((exit_code != 124)) || fail "still runs after 30 s: $*"
}
rejected() { ((exit_code != 0)) || fail "accepted: $*"; }
names() {
  local word
  for word in "$@"; do grep -q -- "$word" <<<"$output" || fail "does not name $word: $output"; done
}
keeps_secret() { ! grep -q -- "$1" <<<"$output" || fail "prints a secret: $1"; }

run PORT=notaport TICK_INTERVAL_MS=-5 MANA_SERVICE_KEY=tooshort MANA_LLM_URL=ftp://nowhere \
  SYNC_DATABASE_URL=postgresql://u:topsecret@h/d -- --target=runner
rejected "five wrong settings"
names PORT TICK_INTERVAL_MS MANA_SERVICE_KEY MANA_LLM_URL
keeps_secret tooshort
keeps_secret topsecret

run -- --target=runner
rejected "no settings at all"
names MANA_SERVICE_KEY SYNC_DATABASE_URL MANA_LLM_URL

run -- --target=juggler
rejected "an unknown target"
names juggler
run -- migrate
rejected "migrate without a database"
names MIGRATION_DATABASE_URL
run -- --help
equals "$exit_code" 0 "exit code of --help"
names PORT SYNC_DATABASE_URL TICK_INTERVAL_MS MANA_LLM_URL SHUTDOWN_GRACE_MS STANDIN_LATENCY_MS
run -- --version
equals "$exit_code" 0 "exit code of --version"

start_database
start_standin STANDIN_LATENCY_MS=0
right_url=postgresql://mana_ai_runner:$runner_password@$database_server/$database
wrong_url=postgresql://mana_ai_runner:not-the-password@$database_server/$database
common=(MANA_SERVICE_KEY="$service_key" MANA_LLM_URL="$llm_url")

run "${common[@]}" SYNC_DATABASE_URL="$right_url" -- check --target=runner
equals "$exit_code" 0 "check with right settings: $output"
run "${common[@]}" SYNC_DATABASE_URL="$wrong_url" -- check --target=runner
rejected "check with a wrong database password"
names "password authentication failed"
keeps_secret not-the-password
run "${common[@]}" SYNC_DATABASE_URL="$(cluster_url "$work/postgres" "$database")" -- check --target=runner
names superuser
keeps_secret "$(<"$work/postgres/superuser.password")"

start_runner runner SYNC_DATABASE_URL="$wrong_url"
wait_for 20 "the process lives" answers runner /health
equals "$(status runner /ready)" 503 "/ready with a wrong password"
expect "/ready names the database" grep -q database <<<"$(request runner GET /ready)"
logged() { grep -q "password authentication failed" "$work/runner.log"; }
wait_for 20 "the log says why" logged
expect "the password is not logged" test -z "$(grep not-the-password "$work/runner.log" || true)"

# Put right on the server's side, the service recovers by itself.
sql "alter role mana_ai_runner password 'not-the-password'" >/dev/null
wait_for 60 "ready after the password was set" is_ready runner
stop_process runner
equals "$exit_code" 0 "exit code"
