#!/usr/bin/env bash
# The service starts before its database: it lives, says what is missing, and works as soon as the database is there.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
insert_goal anna goal-1
insert_mission anna mission-1
stop_cluster fast

start_standin STANDIN_LATENCY_MS=0
start_runner runner TICK_INTERVAL_MS=1000
pid=${process_pid[runner]}
wait_for 20 "the process lives" answers runner /health
waits_for_database() { alive runner && answers runner /health && [[ $(status runner /ready) == 503 ]]; }
holds_for 20 "the service waits for its database" waits_for_database
expect "/ready names the database" grep -q database <<<"$(request runner GET /ready)"

start_cluster
wait_for 60 "ready once the database is there" is_ready runner
wait_for 60 "the plan of the mission that was due all along" has_iteration anna mission-1
planned_once anna mission-1
# The listener is back too: a new mission does not wait for a tick of the timer.
insert_goal ben goal-1
insert_mission ben mission-1
wait_for 30 "the plan of a mission that comes later" has_iteration ben mission-1
planned_once ben mission-1
equals "${process_pid[runner]}" "$pid" "pid of the service"
stop_process runner
equals "$exit_code" 0 "exit code"
