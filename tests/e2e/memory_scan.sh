#!/usr/bin/env bash
# After fifty granted runs no mission key, record key or text of a note is left anywhere in the runner's memory. The same
# scan finds them in a build that does not cleanse: so it is known to look in the right places for the right things.
#
# Reading the memory of a process that is not dumpable takes root; without it there is nothing to look at.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

runs=50
cleansing=$binary
uncleansed=${MANA_AI_UNCLEANSED_BINARY:-$checkout/build/uncleansed/mana-ai}
[[ -x $uncleansed ]] || fail "$uncleansed is missing: deploy/build.sh uncleansed mana-ai"

make_keys
start_database
start_witness

# scan_after_runs <nick> <binary>: what the scan found, in scan.<nick>; its exit code in scanned.
scan_after_runs() {
  local nick=$1 n
  binary=$2
  without_auth "$nick"
  node "$checkout/tests/e2e/browser/many_missions.mjs" "$nick" "$runs" 1 | seal_and_write "$nick" own-grants
  start_granted "$nick" MAX_RUNS_PER_USER="$runs"
  wait_for 30 "the runner is ready" is_ready "$nick"
  tick "$nick" >/dev/null
  plans() { [[ $(sql "select count(*) from sync_changes where user_id = 'user-$nick' and client_id = 'mana-ai-runner'") == "$runs" ]]; }
  wait_for 30 "all $runs plans of $nick" plans
  for ((n = 1; n <= runs; n++)); do expect "the LLM got note $n of $nick" saw "$(marker "$nick/$n-1")"; done
  scanned=0
  {
    grep '"aiMissions"' "$work/$nick.rows" | browser "$nick" key-patterns
    for ((n = 1; n <= runs; n++)); do
      digits=$(marker "$nick/$n-1")
      echo "text note:$n-1 ${digits#MARK-}"
    done
  } | python3 "$checkout/tests/e2e/memory_scan.py" "${process_pid[$nick]}" >"$work/scan.$nick" || scanned=$?
  stop_process "$nick"
  equals "$exit_code" 0 "exit code of $nick"
}

found() { grep -c "^$1" "$work/scan.control" || true; }

scan_after_runs control "$uncleansed"
if ((scanned == 3)); then
  echo "skipped: only root can read the memory of a service that is not dumpable"
  exit 0
fi
equals "$scanned" 1 "exit code of the scan without cleansing ($(tail -n 1 "$work/scan.control"))"
for kind in mission-key record-key note; do expect "a $kind in the control" test "$(found "$kind")" -gt 0; done
echo "without cleansing: $(tail -n 1 "$work/scan.control")"

scan_after_runs cleansed "$cleansing"
((scanned == 0)) || sed -E 's/^/left in memory: /' "$work/scan.cleansed" | head -n 20 >&2
equals "$scanned" 0 "exit code of the scan"
echo "with cleansing: $(tail -n 1 "$work/scan.cleansed")"
