#!/usr/bin/env bash
# Accounts are deleted while their missions run: the runs stop, nothing of the users stays in the schema, nothing is
# planned for them again, and nobody else notices.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

missions=3
make_keys
start_database
start_witness --latency-ms 200000
start_granted runner TICK_ENABLED=true TICK_INTERVAL_MS=1000 LLM_FIRST_BYTE_TIMEOUT_MS=300000 \
  LLM_TOTAL_TIMEOUT_MS=300000
wait_for 30 "the runner is ready" is_ready runner
for nick in anna carol ben; do
  without_auth "$nick"
  node "$checkout/tests/e2e/browser/many_missions.mjs" "$nick" "$missions" 1 | seal_and_write "$nick" own-grants
done
ben=$(user_of ben)
calls() { jq -s --arg event "$1" 'map(select(.event == $event)) | length' "$witness_log"; }
all_run() { [[ $(calls seen) == $((missions * 3)) ]]; }
wait_for 20 "all missions are in mid-run" all_run

# The sync service removes its part before or after; when it was first, the runner may have noticed by the request.
delete_log_of() { sql "delete from sync_changes where user_id = '$1'"; }
delete_account() {
  local deleted
  deleted=$(request runner DELETE "/internal/users/$1")
  equals "$(jq -c --argjson most "$missions" '[.missions <= $most, .auditRows]' <<<"$deleted")" "[true,$missions]" \
    "what was deleted of $1"
}
delete_log_of "$(user_of anna)"
delete_account "$(user_of anna)"
delete_account "$(user_of carol)"
delete_log_of "$(user_of carol)"
all_closed() { [[ $(calls closed) == $((missions * 2)) ]]; }
wait_for 10 "the users' calls are cancelled" all_closed

# rows_of <user-id>: how many there are, by each table of the schema that names a user and has any.
rows_of() {
  local table count
  for table in $(sql "select table_name from information_schema.columns
                      where table_schema = 'mana_ai' and column_name = 'user_id' order by 1"); do
    count=$(sql "select count(*) from mana_ai.$table where user_id = '$1'")
    ((count == 0)) || printf '%s: %s\n' "$table" "$count"
  done
}
no_trace_of() {
  equals "$(rows_of "$1")" '' "rows of $1, $2"
  equals "$(sql "select count(*) from sync_changes where user_id = '$1'")" 0 "rows written for $1, $2"
  equals "$(request runner GET "/internal/missions/$1" | jq -c .missions)" '[]' "missions of $1, $2"
}
for nick in anna carol; do no_trace_of "$(user_of "$nick")" 'at once'; done
expect "rows of the other user" test -n "$(rows_of "$ben")"

psql_on "$superuser_url" -o /dev/null -f "$checkout/deploy/sql/30_bootstrap.sql"
# When this one of the other user runs, what came before it was looked at.
{
  note later "$(marker later)"
  more_mission='{"inputs": [{"module": "notes", "table": "notes", "id": "later"}]}' mission_on later notes:later
} | seal_and_write ben own-grants
wait_for 20 "a later mission of the other user runs" saw "$(marker later)"
for nick in anna carol; do no_trace_of "$(user_of "$nick")" 'after the bootstrap'; done
equals "$(calls seen)" "$((missions * 3 + 1))" "calls, but for the later one no more than before"
equals "$(calls closed)" "$((missions * 2))" "calls that were cancelled"
run_audit_verify ben >/dev/null || fail "the other user's chain is bad"
equals "$(chain_of "$ben" | browser ben verify-rows | jq .rows)" "$((missions + 1))" "the other user's rows"

again=$(request runner DELETE "/internal/users/$(user_of anna)")
equals "$(jq -c '[.missions, .auditRows]' <<<"$again")" '[0,0]' "what a second deletion finds"
stop_process runner KILL
