#!/usr/bin/env bash
# A replica that is stopped in mid-run for longer than its lease writes nothing when it wakes: neither after another one
# has planned the mission, nor when nobody has taken it yet.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

freeze() { kill -STOP "${process_pid[$1]}"; }
wake() { kill -CONT "${process_pid[$1]}"; }
lease_has_ended() {
  [[ $(sql "select count(*) from mana_ai.mission_snapshots where user_id = '$1' and lease_until < now()") == 1 ]]
}
# run_of <replica> <user>: the attempt and outcome of each of its runs.
runs_of() { logged "$1" '.event == "run_finished" and .user == "'"$2"'"' | jq -sc 'map([.attempt, .outcome])'; }
has_run() { [[ $(runs_of "$1" "$2") == "$3" ]]; }

start_database
for user in anna ben; do insert_goal "$user" goal-1; done
start_standin STANDIN_LATENCY_MS=1500
start_runner zombie LEASE_MS=2000
wait_for 30 "the first replica is ready" is_ready zombie

# Its answer comes while it is stopped, and so does another replica.
insert_mission anna mission-1
wait_for 10 "the mission runs" mission_field_is zombie anna mission-1 notRunningBecause running
freeze zombie
start_runner other LEASE_MS=2000
wait_for 30 "the other replica plans the mission" has_iteration anna mission-1
wake zombie
wait_for 10 "the woken replica has noticed" has_run zombie anna '[[1,"lease_lost"]]'
equals "$(runs_of other anna)" '[[2,"planned"]]' "runs of the other replica"
planned_well anna mission-1
stop_process other

# Nobody else is there: the woken replica finds its own lease ended, discards that run, and plans the mission anew.
insert_mission ben mission-1
wait_for 10 "ben's mission runs" mission_field_is zombie ben mission-1 notRunningBecause running
freeze zombie
wait_for 10 "the lease ends" lease_has_ended ben
wake zombie
wait_for 20 "ben's mission is planned" has_run zombie ben '[[1,"lease_lost"],[2,"planned"]]'
planned_well ben mission-1
planned_once anna mission-1
stop_process zombie
equals "$exit_code" 0 "exit code"
