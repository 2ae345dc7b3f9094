#!/usr/bin/env bash
# SIGTERM: what can finish within the grace period finishes; the rest is handed back, within a second and without
# counting an attempt, and another process runs it. Before the HTTP server closes it says by /ready that it will.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

runs() { mission_field_is "$1" "$2" mission-1 notRunningBecause running; }

start_database
for user in anna ben carl; do insert_goal "$user" goal-1; done

# In the middle of a start: it waits for a setting that a pipe will give.
holds_stop_signals() { ((0x$(awk '/^SigBlk/ { print $2 }' "/proc/${process_pid[early]}/status") >> 14 & 1)); }
start_standin STANDIN_LATENCY_MS=2000
mkfifo "$work/late-setting"
start_runner early MANA_LLM_API_KEY_FILE="$work/late-setting"
wait_for 10 "the early runner holds the signals" holds_stop_signals
kill -TERM "${process_pid[early]}"
echo late >"$work/late-setting"
stop_process early
equals "$exit_code" 0 "exit code of the early runner"
expect "it stopped in order" has_logged early '.event == "stopped"'

# Within the grace period.
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

# With a delay, which a second signal ends: /ready turns first, nothing is claimed, and everybody is still served. A
# hundred runs are handed back at once.
all_run() { reasons_are "$1" carl "{\"running\":$2}"; }
is_turning_away() { [[ $(status polite /ready) == 503 ]]; }
none_held() { [[ $(sql "select count(*) from mana_ai.mission_snapshots where user_id = 'carl' and lease_until is not null") == 0 ]]; }
start_runner polite SHUTDOWN_DELAY_MS=600000 SHUTDOWN_GRACE_MS=0 LEASE_MS=600000 MAX_RUNS_PER_USER=100
wait_for 30 "the polite runner is ready" is_ready polite
insert_mission carl "$(echo mission-{1..100})"
wait_for 20 "carl's missions run" all_run polite 100
kill -TERM "${process_pid[polite]}"
wait_for 10 "/ready says that the process stops" is_turning_away
expect "/ready names it" grep -q shutdown <<<"$(request polite GET /ready)"
wait_for 10 "all of carl's missions are handed back" none_held
equals "$(status polite /health)" 200 "/health during the delay"
equals "$(status polite /internal/missions/carl -H "X-Service-Key: $service_key")" 200 "the API during the delay"
insert_mission carl mission-0
equals "$(tick polite | jq -c .errors)" '["shutting-down"]' "a tick during the delay"
expect "nothing is claimed during the delay" none_held
equals "$(sql "select max(attempt) from mana_ai.mission_snapshots where user_id = 'carl'")" 0 "attempts of carl's missions"
stop_process polite
equals "$exit_code" 0 "exit code of the polite runner"

# How quick that is: from the signal to the last lease.
start_runner quick SHUTDOWN_GRACE_MS=0 LEASE_MS=600000 MAX_RUNS_PER_USER=200
wait_for 30 "the quick runner is ready" is_ready quick
wait_for 20 "carl's missions run again" all_run quick 101
stop_process quick
took=$(logged quick '.event == "stopped"' | jq .drained_after_ms)
jq -en "$took < 1000" >/dev/null || fail "handing back took $took ms"
echo "more than 100 runs handed back in $took ms"
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
