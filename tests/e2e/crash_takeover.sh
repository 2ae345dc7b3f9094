#!/usr/bin/env bash
# A runner is killed in mid-run: when its lease has ended another one runs the mission, once, and the attempt counts.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
insert_goal anna goal-1
start_standin STANDIN_LATENCY_MS=60000
start_runner first LEASE_MS=2000
wait_for 30 "the first runner is ready" is_ready first
insert_mission anna mission-1
wait_for 10 "the mission runs" mission_field_is first anna mission-1 notRunningBecause running
stop_process first KILL
stop_process standin KILL

start_standin
start_runner second LEASE_MS=2000
wait_for 15 "the second runner takes over" has_iteration anna mission-1
planned_well anna mission-1
equals "$(logged second '.event == "run_finished"' | jq -c '[.mission, .attempt, .outcome]')" \
  '["mission-1",2,"planned"]' "the second runner's run"
stop_process second
equals "$exit_code" 0 "exit code of the second runner"
