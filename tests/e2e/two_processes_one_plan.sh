#!/usr/bin/env bash
# Two runners tick at the same moment over the same 20 missions: one iteration for each mission and slot.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

users=(anna ben cleo dora)
missions=(mission-{1..5})
each() { # <command...>: for every user and mission
  local user id
  for user in "${users[@]}"; do
    for id in "${missions[@]}"; do "$@" "$user" "$id"; done
  done
}

start_database
start_standin STANDIN_LATENCY_MS=200
# Few places, so that neither takes all of it with one claim.
start_runner first TICK_ENABLED=false MAX_RUNS=3
start_runner second TICK_ENABLED=false MAX_RUNS=3
wait_for 30 "the first runner is ready" is_ready first
wait_for 30 "the second runner is ready" is_ready second
for user in "${users[@]}"; do
  insert_goal "$user" goal-1
  insert_mission "$user" "${missions[*]}"
done

tick first >"$work/first.json" &
first_tick=$!
tick second >"$work/second.json" &
second_tick=$!
wait "$first_tick" "$second_tick"
for name in first second; do
  expect "the $name process ran some" jq -e '.plansWrittenBack > 0' "$work/$name.json" >/dev/null
done
written() { jq -s 'map(.plansWrittenBack) | add' "$work"/*.json; }

# Missions that the other one was just folding in come with the next tick.
all_planned() { [[ $(sql "select count(*) from sync_changes where client_id = 'mana-ai-runner'") -ge 20 ]]; }
n=0
until all_planned; do
  ((++n <= 20)) || fail "20 ticks did not run 20 missions"
  tick first >"$work/more-$n.json"
done
equals "$(written)" 20 "plans written, both processes together"
each planned_well

tick first >"$work/last-first.json" &
first_tick=$!
tick second >"$work/last-second.json" &
second_tick=$!
wait "$first_tick" "$second_tick"
equals "$(written)" 20 "plans written after two more ticks"
each planned_once
stop_process first
equals "$exit_code" 0 "exit code of the first runner"
stop_process second
equals "$exit_code" 0 "exit code of the second runner"
