#!/usr/bin/env bash
# Whatever the LLM does wrong ends in its documented state within the deadlines, and other missions do not notice.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

# What is tried again, up to the attempts of the slot; what is final at once; and what a failed iteration tells.
declare -A error_of=([error]=llm_failed [cut]=llm_failed [hang]=llm_timeout [trickle]=llm_timeout
  [garbage]=llm_answer_invalid [prose]=plan_rejected [tool]=plan_rejected [huge]=llm_answer_too_large
  [refused]=llm_refused)
declare -A told=([error]='einen Fehler gemeldet' [cut]='einen Fehler gemeldet' [hang]='nicht rechtzeitig'
  [trickle]='nicht rechtzeitig' [garbage]='nicht lesbar' [prose]='keinen gültigen Plan' [tool]='keinen gültigen Plan'
  [huge]='zu groß' [refused]='abgelehnt')
total_timeout=2000
attempts=2

start_database
python3 "$checkout/tests/e2e/faulty_llm.py" >"$work/faulty_llm.port" 2>"$work/faulty_llm.log" &
process_pid[faulty_llm]=$!
wait_for 10 "the faulty LLM listens" test -s "$work/faulty_llm.port"
llm_url=http://127.0.0.1:$(<"$work/faulty_llm.port")

start_runner runner "${quick_retries[@]}" MAX_ATTEMPTS=$attempts LLM_TOTAL_TIMEOUT_MS=$total_timeout TICK_INTERVAL_MS=1000
wait_for 30 "the runner is ready" is_ready runner

# Told to come back in a second: that is within the deadline of the call. First, while nothing else is under way: what
# fails below leaves fewer places, and a call that hangs may hold the one that this retry needs.
insert_mission user-busy mission-1 '{"title": "Lauf fault:busy"}'
wait_for 10 "the plan after a short limit" has_iteration user-busy mission-1
planned_well user-busy mission-1
equals "$(logged runner '.user == "user-busy" and .mission == "mission-1"' | jq -s 'map(.attempt)' -c)" '[1]' \
  "runs for the mission that met a short limit"

for fault in "${!error_of[@]}" limited; do
  insert_mission "user-$fault" mission-1 "{\"title\": \"Lauf fault:$fault\"}"
  insert_mission "user-$fault" mission-2
done

# Unaffected: other missions, of the same user too, while some calls still hang.
for fault in "${!error_of[@]}" limited; do
  wait_for 10 "a plan for user-$fault/mission-2" has_iteration "user-$fault" mission-2
  planned_well "user-$fault" mission-2
done
for fault in "${!error_of[@]}"; do
  user=user-$fault
  wait_for 15 "a failed iteration after fault:$fault" failed_visibly "$user" mission-1
  expect "the iteration tells what fault:$fault was" grep -q "${told[$fault]}" <<<"$(iteration "$user" mission-1)"
  expected=$attempts
  [[ $fault != refused ]] || expected=1
  runs=$(logged runner ".event == \"run_finished\" and .user == \"$user\" and .mission == \"mission-1\"")
  equals "$(jq -s -c 'map(.error) | [length, unique]' <<<"$runs")" "[$expected,[\"${error_of[$fault]}\"]]" \
    "runs and errors of fault:$fault"
  # The deadline counts from a call's first place, and before it the call may have waited for another one's deadline.
  # shellcheck disable=SC2016 # jq's variables
  expect "each call of fault:$fault ends by its deadline" jq -e -s --argjson most $((2 * total_timeout + 1000)) \
    'all(.llm_ms < $most)' <<<"$runs" >/dev/null
done

# Told to come back in ten minutes: no attempt is spent, and the time is shown.
retry_is_shown() { mission_field_is runner user-limited mission-1 notRunningBecause retry-later; }
wait_for 10 "the rate-limited mission waits" retry_is_shown
equals "$(mission_field runner user-limited mission-1 attempts)" 0 "attempts of the rate-limited mission"
expect "its error is named" grep -q '^llm_rate_limited' <<<"$(mission_field runner user-limited mission-1 lastError)"
expect "it waits as long as it was told to" test "$(mission_field runner user-limited mission-1 retryAt)" '>' "$(time_in 540)"
equals "$(write_backs user-limited mission-1)" 0 "write-backs of the rate-limited mission"

expect "no answer of the LLM in the log" test -z "$(grep -E 'Gerne|context too long|delete_everything' "$work/runner.log" || true)"
stop_process runner
equals "$exit_code" 0 "exit code of the runner"
