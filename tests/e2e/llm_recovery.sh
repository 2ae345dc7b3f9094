#!/usr/bin/env bash
# An LLM that fails every call opens the circuit, one that limits every call makes missions wait: neither spends
# attempts for long, and when the LLM is well again the plans come without anybody's help.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
for user in anna ben; do insert_goal "$user" goal-1; done

# -- the circuit ------------------------------------------------------------------------------------------------

start_standin STANDIN_ERROR_RATE=1
start_runner runner "${quick_retries[@]}" MAX_ATTEMPTS=5 TICK_INTERVAL_MS=1000 CIRCUIT_FAILURES=4 CIRCUIT_OPEN_MS=500
wait_for 30 "the runner is ready" is_ready runner
insert_mission anna "mission-1 mission-2 mission-3"
circuit_is_named() { [[ $(status runner /ready) == 503 ]] && grep -q -i circuit <<<"$(request runner GET /ready)"; }
wait_for 10 "/ready names the open circuit" circuit_is_named
waits_for_circuit() { grep -q '^llm_circuit_open' <<<"$(mission_field runner anna mission-1 lastError)"; }
wait_for 10 "a mission waits for the circuit" waits_for_circuit
stop_process standin
start_standin
for id in mission-1 mission-2 mission-3; do
  wait_for 15 "the plan of $id" has_iteration anna "$id"
  planned_well anna "$id"
done
wait_for 10 "ready again" is_ready runner
stop_process runner
equals "$exit_code" 0 "exit code of the runner"
stop_process standin

# -- the limit --------------------------------------------------------------------------------------------------

start_standin STANDIN_RATE_LIMIT_RATE=1
start_runner limited "${quick_retries[@]}" TICK_INTERVAL_MS=1000
wait_for 30 "the runner is ready" is_ready limited
insert_mission ben mission-1
limit_is_known() { grep -q '^llm_rate_limited' <<<"$(mission_field limited ben mission-1 lastError)"; }
wait_for 10 "the limit is noticed" limit_is_known
expect "no attempt is spent" test "$(mission_field limited ben mission-1 attempts)" -le 1
stop_process standin
start_standin
wait_for 15 "the plan after the limit is lifted" has_iteration ben mission-1
planned_well ben mission-1
stop_process limited
equals "$exit_code" 0 "exit code of the limited runner"
