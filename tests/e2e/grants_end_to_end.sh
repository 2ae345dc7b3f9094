#!/usr/bin/env bash
# A mission on encrypted records, from the browser's sealing to the plan: what the user granted is read, nothing else,
# and every decrypt is in an audit that a program of somebody else verifies byte for byte.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

start_with_grants
for nick in anna ben; do sign_up "$nick"; done
jq -cn --arg issuer "$auth_url" '{issuer: $issuer, audience: "mana"}' | browser anna verify-token
user=$(user_of anna)

# -- sealed records, a grant through HTTP, a mission that is due --------------------------------------------------

fields=(note-title note-content task-title task-text event-title event-place journal-title journal-text kontext)
for field in "${fields[@]}"; do
  declare "${field//-/_}=$(marker "$field")"
done
# shellcheck disable=SC2154 # declared above
entries=$(jq -cn --arg a "$note_title" --arg b "$note_content" --arg c "$task_title" --arg d "$task_text" \
  --arg e "$event_title" --arg f "$event_place" --arg g "$journal_title" --arg h "$journal_text" --arg i "$kontext" '
  {table: "notes", id: "n1", data: {title: $a, content: "Brot, Käse 🧀 \($b)"}},
  {table: "tasks", id: "t1", data: {title: $c, description: $d, priority: "high", dueDate: "2030-01-31",
    isCompleted: false, subtasks: [{title: "eins", isCompleted: false}]}},
  {table: "events", id: "e1", data: {title: $e, location: $f, timeBlockId: "b1"}},
  {table: "journalEntries", id: "j1", data: {title: $g, content: $h}},
  {table: "kontextDoc", id: "singleton", data: {content: $i}}')
names=(notes:n1 tasks:t1 events:e1 journalEntries:j1 kontextDoc:singleton)
inputs='[{"module":"notes","table":"notes","id":"n1"},{"module":"todo","table":"tasks","id":"t1"},
  {"module":"calendar","table":"events","id":"e1"},{"module":"journal","table":"journalEntries","id":"j1"},
  {"module":"kontext","table":"kontextDoc","id":"singleton"}]'
insert_record "$user" timeblocks timeBlocks b1 \
  '{"startDate": "2030-02-01T09:00:00.000Z", "endDate": "2030-02-01T10:00:00.000Z"}'
{
  echo "$entries"
  more_mission="{\"inputs\": $inputs}" mission_on mission-1 "${names[@]}"
} | seal_and_write anna
equals "$(grep -c MARK- "$work/anna.rows" || true)" 0 "confidential texts in the rows for the log"

# -- one run ------------------------------------------------------------------------------------------------------

report=$(tick runner)
equals "$(jq -c '[.dueMissionCount, .plansProduced, .plansWrittenBack, .errors]' <<<"$report")" '[1,1,1,[]]' \
  "the tick's report"
planned_well "$user" mission-1
for field in "${fields[@]}"; do
  expect "the prompt holds $field" saw "$(marker "$field")"
done
prompt=$(jq -r 'select(.event == "seen") | .prompt[].content' "$witness_log")
expect "the event's time from its time block" grep -q '2030-02-01' <<<"$prompt"
expect "the task's due date" grep -q '2030-01-31' <<<"$prompt"
expect "no sealed value in the prompt" test -z "$(grep -E 'enc:[12]:' <<<"$prompt" || true)"
equals "$(jq -s 'map(select(.event == "seen")) | length' "$witness_log")" 1 "calls of the LLM"

# -- the audit ----------------------------------------------------------------------------------------------------

rows=$(browser anna audit)
equals "$(audit_of anna mission-1)" "$(printf '%s ok -\n' "${names[@]}" | sort)" "one row for each record"
equals "$(jq -s -r 'map(.iterationId) | unique | join(" ")' <<<"$rows")" "$(iteration "$user" mission-1 | jq -r .id)" \
  "the iteration of all rows"
equals "$(jq -s -c 'map(.runId) | unique | length' <<<"$rows")" 1 "runs"
verified=$(browser anna verify-audit 2)
equals "$(jq -c '[.rows, .head.position, .signed]' <<<"$verified")" '[5,5,true]' "the chain, read two rows at a time"
run_audit_verify anna >"$work/audit-verify.out" || fail "mana-ai audit verify says the chain is bad"
call anna GET "$(audit_url '?missionId=mission-1&limit=3')"
equals "$http_status $(jq -c '[(.rows | length), (.rows | map(.position | tonumber)), .nextCursor != null]' <<<"$http_body")" \
  '200 [3,[5,4,3],true]' "the first page, newest first"

# Another user sees nothing of it, whatever they ask for.
equals "$(browser ben audit mission-1)" '' "rows that another user gets"
equals "$(browser ben verify-audit | jq -c '[.rows, .head.position]')" '[0,0]' "another user's chain"

# -- counters, and what is nowhere --------------------------------------------------------------------------------

equals "$(metric runner decrypts_total 'table="notes"')" 2 "decrypted fields of notes"
equals "$(metric runner decrypts_total 'table="kontextDoc"')" 1 "decrypted fields of the kontext document"
for table in tasks events journalEntries; do
  expect "decrypted fields of $table" test "$(metric runner decrypts_total "table=\"$table\"")" -ge 2
done
equals "$(metric runner grant_skips_total)" 0 "skipped grants"
equals "$(metric runner grant_scope_violations_total)" 0 "scope violations"
expect "nothing confidential in logs" test -z "$(grep -lE 'MARK-|masterKey|PRIVATE KEY' "$work"/{runner,auth}.log || true)"
expect "nothing confidential in metrics" test -z "$(request runner GET /metrics | grep -E "MARK-|$user" || true)"
"$postgres_bin/pg_dump" "$superuser_url" >"$work/dump.sql"
equals "$(grep -c MARK- "$work/dump.sql" || true)" 0 "confidential texts in the database"

# -- a tampered chain is found out --------------------------------------------------------------------------------

# Only the superuser can, and only by taking the triggers off first.
sql "alter table mana_ai.decrypt_audit disable trigger user;
     update mana_ai.decrypt_audit set status = 'failed', reason = 'decrypt-failed'
     where user_id = '$user' and position = 3;
     alter table mana_ai.decrypt_audit enable trigger user" >/dev/null
fails "the client's check of a changed row" browser anna verify-audit
expect "it names the row" grep -q '^client.mjs verify-audit: row 3 ' "$work/refused.out"
call anna GET "$(audit_url /verify)"
equals "$(jq -c '[.ok, (.firstBad.position | tonumber)]' <<<"$http_body")" '[false,3]' "the service's check"
fails "the command's check of a changed row" run_audit_verify anna

stop_process runner
equals "$exit_code" 0 "exit code of the runner"
stop_process auth
equals "$exit_code" 0 "exit code of auth"
