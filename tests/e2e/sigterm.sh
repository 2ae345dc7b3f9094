#!/usr/bin/env bash
# SIGTERM: what can finish within the grace period finishes; the rest is handed back without counting an attempt and
# another process runs it.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

runs() { mission_field_is "$1" "$2" mission-1 notRunningBecause running; }

start_database
for user in anna ben; do insert_goal "$user" goal-1; done

# Within the grace period.
start_standin STANDIN_LATENCY_MS=2000
start_runner patient SHUTDOWN_GRACE_MS=20000
wait_for 30 "the patient runner is ready" is_ready patient
insert_mission anna mission-1
wait_for 20 "anna's mission runs" runs patient anna
stop_process patient
equals "$exit_code" 0 "exit code of the patient runner"
planned_once anna mission-1
stop_process standin

# Beyond it. The lease is long: only a hand-back can free the mission in time.
start_standin STANDIN_LATENCY_MS=60000
start_runner hurried SHUTDOWN_GRACE_MS=1000 LEASE_MS=600000
wait_for 30 "the hurried runner is ready" is_ready hurried
insert_mission ben mission-1
wait_for 20 "ben's mission runs" runs hurried ben
equals "$(mission_field hurried ben mission-1 attempts)" 1 "attempts while it runs"
before=$SECONDS
stop_process hurried
equals "$exit_code" 0 "exit code of the hurried runner"
((SECONDS - before < 20)) || fail "took $((SECONDS - before)) s to end with a grace period of 1 s"
equals "$(write_backs ben mission-1)" 0 "write-backs of the run that was stopped"
stop_process standin

start_standin STANDIN_LATENCY_MS=0
start_runner next TICK_ENABLED=false
wait_for 30 "the next runner is ready" is_ready next
equals "$(mission_field next ben mission-1 attempts)" 0 "attempts after the hand-back"
equals "$(mission_field next ben mission-1 leaseUntil)" "" "lease after the hand-back"
tick next >/dev/null
wait_for 30 "the next process runs it" has_iteration ben mission-1
equals "$(iteration ben mission-1 | jq -r .overallStatus)" awaiting-review "the iteration"
planned_once ben mission-1
planned_once anna mission-1
stop_process next
equals "$exit_code" 0 "exit code of the next runner"
