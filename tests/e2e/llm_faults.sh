#!/usr/bin/env bash
# Whatever the LLM does wrong ends in its documented state within the deadlines, and other missions do not notice.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

# A failed iteration that tells the user why, and the next slot is scheduled.
failed_visibly() {
  has_iteration "$1" "$2" || return 1
  equals "$(iteration "$1" "$2" | jq -c '[.overallStatus, (.summary | length > 20), .source]')" \
    '["failed",true,"server"]' "the iteration of $1/$2"
  planned_once "$1" "$2"
}

# -- one LLM, faults for some missions only ---------------------------------------------------------------------

faults=(error garbage prose tool hang cut)
start_database
python3 "$checkout/tests/e2e/faulty_llm.py" >"$work/faulty_llm.port" 2>"$work/faulty_llm.log" &
process_pid[faulty_llm]=$!
wait_for 10 "the faulty LLM listens" test -s "$work/faulty_llm.port"
llm_url=http://127.0.0.1:$(<"$work/faulty_llm.port")

start_runner runner "${quick_retries[@]}" TICK_INTERVAL_MS=1000
wait_for 30 "the runner is ready" is_ready runner
for fault in "${faults[@]}" limited; do
  insert_goal "user-$fault" goal-1
  insert_mission "user-$fault" mission-1 "{\"title\": \"Lauf fault:$fault\"}"
  insert_mission "user-$fault" mission-2
  insert_goal "other-than-$fault" goal-1
  insert_mission "other-than-$fault" mission-1
done
# Unaffected: other users' missions, and other missions of the same user.
for fault in "${faults[@]}" limited; do
  for key in "other-than-$fault mission-1" "user-$fault mission-2"; do
    read -r user id <<<"$key"
    wait_for 60 "a plan for $user/$id" has_iteration "$user" "$id"
    equals "$(iteration "$user" "$id" | jq -r .overallStatus)" awaiting-review "the iteration of $user/$id"
    planned_once "$user" "$id"
  done
done
for fault in "${faults[@]}"; do
  wait_for 60 "a failed iteration after fault:$fault" failed_visibly "user-$fault" mission-1
done
# Told to come back in ten minutes: no attempt is spent, and the time is shown.
retry_is_shown() { mission_field_is runner user-limited mission-1 notRunningBecause retry-later; }
wait_for 30 "the rate-limited mission waits" retry_is_shown
equals "$(mission_field runner user-limited mission-1 attempts)" 0 "attempts of the rate-limited mission"
expect "its error is named" grep -q '^llm_rate_limited' <<<"$(mission_field runner user-limited mission-1 lastError)"
equals "$(write_backs user-limited mission-1)" 0 "write-backs of the rate-limited mission"
expect "the runner lives" alive runner
stop_process runner
equals "$exit_code" 0 "exit code of the runner"

# -- the stand-in's own faults, always --------------------------------------------------------------------------

for fault in ERROR MALFORMED HANG CUT; do
  start_standin "STANDIN_${fault}_RATE=1"
  start_runner runner "${quick_retries[@]}" TICK_INTERVAL_MS=1000
  wait_for 30 "the runner is ready" is_ready runner
  insert_goal "standin-$fault" goal-1
  insert_mission "standin-$fault" mission-1
  wait_for 60 "a failed iteration after STANDIN_${fault}_RATE=1" failed_visibly "standin-$fault" mission-1
  stop_process runner
  stop_process standin
done

# 429 ends as a mission that waits; when the LLM recovers it gets its plan without anybody's help.
start_standin STANDIN_RATE_LIMIT_RATE=1
start_runner runner "${quick_retries[@]}" TICK_INTERVAL_MS=1000
wait_for 30 "the runner is ready" is_ready runner
insert_goal standin-limited goal-1
insert_mission standin-limited mission-1
error_is_known() { [[ -n $(mission_field runner standin-limited mission-1 lastError) ]] || has_iteration standin-limited mission-1; }
wait_for 60 "the limit is noticed" error_is_known
stop_process standin
start_standin STANDIN_LATENCY_MS=0
wait_for 90 "an iteration after the limit is lifted" has_iteration standin-limited mission-1
planned_once standin-limited mission-1
