#!/usr/bin/env bash
# PostgreSQL crashes and comes back while missions run with a slow LLM: the service recovers by itself, and each
# mission still gets exactly one plan.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

missions=(mission-1 mission-2 mission-3 mission-4 mission-5)

start_database
start_standin STANDIN_LATENCY_MS=3000
start_runner runner TICK_INTERVAL_MS=1000 LEASE_MS=5000 "${quick_retries[@]}" MAX_ATTEMPTS=5 \
  LLM_FIRST_BYTE_TIMEOUT_MS=10000 LLM_TOTAL_TIMEOUT_MS=20000
pid=${process_pid[runner]}
wait_for 30 "the runner is ready" is_ready runner
insert_goal anna goal-1
for id in "${missions[@]}"; do insert_mission anna "$id"; done

all_run() {
  [[ $(request runner GET /internal/missions/anna | jq '[.missions[] | select(.notRunningBecause == "running")] | length') \
    == "${#missions[@]}" ]]
}
wait_for 20 "all missions run" all_run
stop_cluster immediate
not_ready() { [[ $(status runner /ready) == 503 ]]; }
wait_for 30 "/ready says that the database is gone" not_ready
start_cluster

wait_for 60 "the service is ready again" is_ready runner
for id in "${missions[@]}"; do
  wait_for 120 "a plan for $id" has_iteration anna "$id"
  equals "$(iteration anna "$id" | jq -r .overallStatus)" awaiting-review "the iteration of $id"
done
# Nothing is left that could write a second one.
all_wait_for_review() {
  [[ $(request runner GET /internal/missions/anna | jq '[.missions[] | select(.notRunningBecause == "waiting-for-review")] | length') \
    == "${#missions[@]}" ]]
}
wait_for 30 "no mission runs any more" all_wait_for_review
for id in "${missions[@]}"; do planned_once anna "$id"; done
expect "the same process" alive runner
equals "${process_pid[runner]}" "$pid" "pid of the service"
stop_process runner
equals "$exit_code" 0 "exit code"
