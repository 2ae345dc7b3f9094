#!/usr/bin/env bash
# PostgreSQL crashes while missions run with a slow LLM, once back before the LLM answers and once only after it:
# the service recovers by itself, and each mission still gets exactly one plan.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

missions=(mission-1 mission-2 mission-3 mission-4 mission-5)

start_database
start_standin STANDIN_LATENCY_MS=2000
start_runner runner TICK_INTERVAL_MS=1000 LEASE_MS=10000 "${quick_retries[@]}" LLM_FIRST_BYTE_TIMEOUT_MS=10000 \
  LLM_TOTAL_TIMEOUT_MS=20000
pid=${process_pid[runner]}
wait_for 30 "the runner is ready" is_ready runner

not_ready() { [[ $(status runner /ready) == 503 ]]; }
llm_is_done() { [[ $(curl -sS "$llm_url/standin/stats" | jq .inFlight) == 0 ]]; }

# crash <user> [command to wait for while it is down]
crash() {
  local user=$1
  insert_goal "$user" goal-1
  insert_mission "$user" "${missions[*]}"
  wait_for 20 "all missions of $user run" reasons_are runner "$user" '{"running":5}'
  sql checkpoint >/dev/null # claims commit without waiting for the disk: a crash may forget the newest
  stop_cluster immediate
  wait_for 10 "/ready says that the database is gone" not_ready
  expect "/ready names it" grep -q database <<<"$(request runner GET /ready)"
  ((!${#2})) || wait_for 10 "$2" "$2"
  start_cluster
  wait_for 20 "the service is ready again" is_ready runner
  # Nothing is left that could write a second plan.
  wait_for 30 "the plans of $user" reasons_are runner "$user" '{"waiting-for-review":5}'
  for id in "${missions[@]}"; do planned_well "$user" "$id"; done
}
crash anna ''
crash ben llm_is_done

equals "$(curl -sS "$llm_url/standin/stats" | jq .calls)" 10 "calls of the LLM: no answer was thrown away"
expect "the same process" alive runner
equals "${process_pid[runner]}" "$pid" "pid of the service"
stop_process runner
equals "$exit_code" 0 "exit code"
