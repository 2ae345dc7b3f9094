#!/usr/bin/env bash
# What is committed for a user reaches their open WebSockets, whoever wrote it: the runner's write-back within a second.
# Wrong tokens, other origins and the end of a token close them; after a lost LISTEN connection everybody pulls.
# shellcheck source-path=SCRIPTDIR source=harness_sync.sh
source "$(dirname "$0")/harness_sync.sh"

make_keys
start_database
start_sync sync
start_standin
start_runner runner TICK_ENABLED=false
wait_for 30 "the service is ready" is_ready sync
wait_for 30 "the runner is ready" is_ready runner

anna=$(token sync anna)
ben=$(token sync ben)
listen "$work/anna.jsonl" sync <<<"$anna"
listen "$work/ben.jsonl" sync http://sync.test <<<"$ben"
for user in anna ben; do
  wait_for 10 "$user is signed in" has_heard "$work/$user.jsonl" '.message.type == "auth-ok"'
done

# A push of one device, and what the log says about it.
pushed=$(as "$anna" sync POST /sync/todo -d '{"clientId": "phone", "since": "", "changes": [
  {"table": "tasks", "id": "t1", "op": "insert", "data": {"title": "Brot"}, "eventId": "6f1c0c1e-2222-4333-8444-555566667777"}]}')
equals "$(jq -c '[.serverChanges[0].eventId, .conflicts, .hasMore]' <<<"$pushed")" \
  '["6f1c0c1e-2222-4333-8444-555566667777",[],false]' "the answer of a push"
wait_for 10 "anna hears of her push" has_heard "$work/anna.jsonl" '.message == {"type": "sync-available", "appId": "todo", "tables": ["tasks"]}'
equals "$(as "$ben" sync GET /sync/todo/pull | jq -c .serverChanges)" '[]' "what ben sees of it"

# The runner's write-back. The time of the commit is not known; the row was there when the tick had not ended.
insert_goal anna goal-1
insert_mission anna mission-1
wait_for 10 "anna hears of the mission" has_heard "$work/anna.jsonl" '.message.tables == ["aiMissions"]'
jq -c 'select(.message.tables == ["aiMissions"])' "$work/anna.jsonl" >"$work/before"
equals "$(tick runner | jq -c .plansWrittenBack)" 1 "plans written back"
ticked=$(date +%s%3N)
of_runner() { [[ $(jq -c 'select(.message.tables == ["aiMissions"])' "$work/anna.jsonl" | wc -l) -gt $(wc -l <"$work/before") ]]; }
wait_for 10 "anna hears of the write-back" of_runner
heard=$(jq -s '[.[] | select(.message.tables == ["aiMissions"])][-1].at' "$work/anna.jsonl")
expect "within a second of the tick's end, it took $((heard - ticked)) ms" test $((heard - ticked)) -lt 1000
equals "$(as "$anna" sync GET /sync/ai/pull | jq -c '[.serverChanges[] | select(.clientId == "mana-ai-runner") | .actor]')" \
  '[{"kind":"system","source":"mission-runner"}]' "the write-back as anna pulls it"
equals "$(jq -s 'map(select(.message.type == "sync-available" and .message.appId != "*")) | length' "$work/ben.jsonl")" 0 "what ben hears of anna"

# The payload that every login of the database can hear names nobody.
expect "no user in the notices" test -z "$(psql_on "$sync_url" -At -c 'listen mana_sync_changes' \
  -c "begin; select set_config('app.current_user_id', 'anna', true); insert into sync_changes (app_id, table_name, record_id,
      user_id, client_id, op, data) values ('todo', 'tasks', 't2', 'anna', 'x', 'insert', '{}'); commit" \
  -c 'select 1' | grep -F 'Asynchronous notification' | grep anna || true)"

# Who may not.
closes_with() { has_heard "$1" ".closed == $2"; }
listen "$work/wrong.jsonl" sync <<<"${anna%?????}AAAAA"
wait_for 10 "a wrong token" closes_with "$work/wrong.jsonl" 4401
listen "$work/origin.jsonl" sync http://evil.test <<<"$anna"
wait_for 10 "another origin" has_heard "$work/origin.jsonl" '.refused == 403'
listen "$work/short.jsonl" sync <<<"$(token sync anna 3)"
wait_for 10 "a short token is good first" has_heard "$work/short.jsonl" '.message.type == "auth-ok"'
wait_for 10 "and closed at its end" closes_with "$work/short.jsonl" 4401
equals "$(status sync /sync/todo/pull)" 401 "a pull without a token"
equals "$(status sync /sync/todo/pull?since=nonsense -H "Authorization: Bearer $anna")" 400 "a wrong since"

# A lost LISTEN connection.
: >"$work/anna.before"
everything() { [[ $(jq -c 'select(.message.appId == "*")' "$work/anna.jsonl" | wc -l) -gt $(wc -l <"$work/anna.before") ]]; }
jq -c 'select(.message.appId == "*")' "$work/anna.jsonl" >"$work/anna.before"
sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where query ilike 'listen %' and usename = 'mana_sync'" >/dev/null
wait_for 20 "after it hears again everybody pulls" everything

metrics=$(request sync GET /metrics)
expect "open sockets" grep -qE '^mana_ai_sync_sockets\{[^}]*\} 2' <<<"$metrics"
expect "expired ones" grep -qE '^mana_ai_sync_sockets_closed_total\{[^}]*reason="expired"[^}]*\} 1' <<<"$metrics"
expect "pushed rows" grep -qE '^mana_ai_sync_rows_pushed_total\{[^}]*\} 1' <<<"$metrics"
expect "nothing of users in logs" test -z "$(grep -E 'Brot|anna' "$work/sync.log" || true)"

# The end.
stop_process sync
equals "$exit_code" 0 "exit code"
wait_for 10 "sockets are told" closes_with "$work/anna.jsonl" 1001
