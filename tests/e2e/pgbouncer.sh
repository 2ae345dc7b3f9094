#!/usr/bin/env bash
# PgBouncer in transaction mode stands before everything but the listener: migrations, runs, audit and sign-in work, and
# changes are noticed by notification. When the listener's connection goes through it as well, the service says so and
# finds changes by polling.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"
# shellcheck source-path=SCRIPTDIR source=../pooler.sh
source "$(dirname "$0")/../pooler.sh"

start_database
pooler_start "$work/pooler" "${database_server#*:}" "mana_ai_runner:$runner_password" "mana_auth:$AUTH_PASSWORD" \
  "mana_ai_migrator:$MIGRATOR_PASSWORD"
process_pid[pgbouncer]=$pooler_pid # ends with the script
pooled() { echo "postgresql://$1@127.0.0.1:$pooler_port/$database"; }
through_pooler=(SYNC_DATABASE_URL="$(pooled "mana_ai_runner:$runner_password")"
  MIGRATION_DATABASE_URL="$(pooled "mana_ai_migrator:$MIGRATOR_PASSWORD")"
  DATABASE_URL="$(pooled "mana_auth:$AUTH_PASSWORD")" "${auth_settings[1]}" MANA_SERVICE_KEY="$service_key"
  TICK_INTERVAL_MS=3600000)
direct=postgresql://mana_ai_runner:$runner_password@$database_server/$database
healthy() { [[ $(request "$1" GET /metrics | awk '$1 ~ /^mana_ai_listener_healthy/ { print $2 }') == "$2" ]]; }
sessions() { sql "select count(*) from pg_stat_activity where usename = 'mana_ai_runner' and query ilike 'listen %'"; }

start_standin STANDIN_LATENCY_MS=100
start_process pooled runner,auth MANA_LLM_URL="$llm_url" "${through_pooler[@]}" LISTEN_DATABASE_URL="$direct"
wait_for 30 "ready behind the pooler" is_ready pooled
wait_for 20 "the listener hears its own check" healthy pooled 1
equals "$(sessions)" 1 "sessions that listen"

insert_goal anna goal-1
missions=$(echo mission-{1..20})
insert_mission anna "$missions"
wait_for 30 "anna's plans, without a tick" reasons_are pooled anna '{"waiting-for-review":20}'
for id in $missions; do planned_well anna "$id"; done
stop_process pooled
equals "$exit_code" 0 "exit code behind the pooler"
expect "no trouble was logged" test -z "$(logged pooled '.event == "trouble" or .level == "error"')"

# Everything through the pooler.
start_process deaf runner,auth MANA_LLM_URL="$llm_url" "${through_pooler[@]}"
wait_for 30 "ready without notifications" is_ready deaf
says_what_to_do() { has_logged deaf '.event == "trouble" and .what == "listen" and (.detail | contains("LISTEN_DATABASE_URL"))'; }
wait_for 20 "the log says what to do" says_what_to_do
expect "the metric says that the listener does not hear" healthy deaf 0
insert_goal ben goal-1
insert_mission ben mission-1
wait_for 20 "ben's plan, by polling" has_iteration ben mission-1
planned_well ben mission-1
stop_process deaf
equals "$exit_code" 0 "exit code without notifications"
