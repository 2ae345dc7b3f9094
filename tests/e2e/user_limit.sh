#!/usr/bin/env bash
# A user with 12 due missions runs 8 at once, sees why the others wait, and gets all 12 plans; others do not wait.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

missions=(mission-{1..12})
start_database
for user in anna ben; do insert_goal "$user" goal-1; done
start_standin STANDIN_LATENCY_MS=2500
start_runner runner TICK_INTERVAL_MS=3600000
wait_for 30 "the runner is ready" is_ready runner
insert_mission anna "${missions[*]}"
wait_for 10 "eight run, four wait for them" reasons_are runner anna '{"over-the-users-limit":4,"running":8}'
insert_mission ben mission-1
wait_for 10 "the other user's mission runs meanwhile" reasons_are runner ben '{"running":1}'

for id in "${missions[@]}"; do
  wait_for 15 "a plan for $id" has_iteration anna "$id"
  planned_well anna "$id"
done
planned_well ben mission-1
wait_for 10 "all wait for their review" reasons_are runner anna '{"waiting-for-review":12}'
expect "never more than eight and one at once" test \
  "$(curl -sS "$llm_url/standin/stats" | jq .maxInFlight)" -le 9
stop_process runner
equals "$exit_code" 0 "exit code"
