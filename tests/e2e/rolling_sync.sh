#!/usr/bin/env bash
# A rollout of the sync target under its WebSockets, and back: three replicas are replaced one by one behind a switch
# that sends connections to those that are ready, while tabs hold their sockets through it and write all the time. Then
# one is killed, and what is written last is not told to those whose socket it had. Every tab ends up with every change,
# each is in the log once, and no request gets anything but a 200: what had no answer is tried again, as the browser
# does.
#
# MANA_AI_NEXT_BINARY is what is rolled out; default: the same binary.
# shellcheck source-path=SCRIPTDIR source=harness_sync.sh
source "$(dirname "$0")/harness_sync.sh"

next_binary=${MANA_AI_NEXT_BINARY:-$binary}
users=(anna ben carl dora emil frida) tabs_per_user=8 changes_per_second=4
tabs=$((${#users[@]} * tabs_per_user))
probe_period_ms=200
stopping=(SHUTDOWN_DELAY_MS=2500)
settle_limit_ms=40000 # a socket that broke six times, within half a minute each time, is opened again after 32 s

# -- the service --------------------------------------------------------------------------------------------------

# start_replica <name> <binary>: start_process takes the variable.
start_replica() {
  local binary=$2
  start_sync "$1" "${stopping[@]}"
  list_endpoints
}
sockets() { # of all replicas that live
  local name sum=0
  for name in "${!process_pid[@]}"; do
    [[ $name != replica-* ]] || sum=$((sum + $(metric "$name" sync_sockets)))
  done
  echo "$sum"
}
all_tabs_are_back() { [[ $(sockets) == "$tabs" ]]; }
holds_sockets() { (($(metric "$1" sync_sockets) > 0)); }

# end_replica <old> <new> <binary> [signal]: the new one is there first.
end_replica() {
  start_replica "$2" "$3"
  wait_for 30 "$2 is ready" is_ready "$2"
  moved=$((moved + $(metric "$1" sync_sockets)))
  stop_process "$1" "${4:-TERM}"
  list_endpoints
}
# replace <old> <new> <binary>
replace() {
  end_replica "$1" "$2" "$3"
  equals "$exit_code" 0 "exit code of $1"
  # Each is to have taken part before the next one goes.
  wait_for 60 "all tabs are back" all_tabs_are_back
  wait_for 10 "$2 has sockets" holds_sockets "$2"
}
moved=0 # sockets that lost their replica

make_keys
start_database
for place in a b c; do start_replica "replica-$place-1" "$binary"; done
for place in a b c; do wait_for 30 "replica-$place-1 is ready" is_ready "replica-$place-1"; done
python3 -B "$checkout/tests/e2e/tcp_switch.py" --endpoints "$work/endpoints" --period-ms "$probe_period_ms" \
  >"$work/switch.port" 2>>"$work/switch.log" &
process_pid[switch]=$!
wait_for 10 "the switch listens" test -s "$work/switch.port"
process_port[switch]=$(<"$work/switch.port")
wait_for 10 "the switch has somebody to ask" answers switch /health
: >"$work/switch.log" # that nobody was ready yet is nothing to tell

# -- the tabs -----------------------------------------------------------------------------------------------------

for user in "${users[@]}"; do jq -n --arg user "$user" --arg token "$(token replica-a-1 "$user")" '{($user): $token}'; done |
  jq -s add >"$work/tokens.json"
node "$checkout/tests/e2e/sync/tabs.mjs" "$tabs_per_user" "$changes_per_second" "$work/tokens.json" \
  "http://127.0.0.1:${process_port[switch]}" >"$work/report.json" 2>"$work/tabs.log" &
process_pid[tabs]=$!
wait_for 30 "all tabs are there" all_tabs_are_back
for place in a b c; do expect "replica-$place-1 has sockets" holds_sockets "replica-$place-1"; done

# -- the rollout, and back ----------------------------------------------------------------------------------------

# The schema goes first, and the old replicas go on beside it.
MIGRATION_DATABASE_URL="postgresql://mana_ai_migrator:$MIGRATOR_PASSWORD@$database_server/$database" \
  "$next_binary" migrate --target=auth,sync >"$work/migrate.log" 2>&1 || fail "the next binary does not migrate"
for place in a b c; do replace "replica-$place-1" "replica-$place-2" "$next_binary"; done
for place in a b c; do replace "replica-$place-2" "replica-$place-3" "$binary"; done
expect "the switch had nothing to tell" test ! -s "$work/switch.log"

# One that takes its connections with it, as the last changes are written.
told=$moved
killed=$(date +%s%3N)
end_replica replica-a-3 replica-a-4 "$binary" KILL

stop_process tabs
[[ $exit_code == 0 ]] || fail "the tabs do not agree: $(tail -n 20 "$work/tabs.log")"

# -- what became of it --------------------------------------------------------------------------------------------

of_report() { jq -r "$1" "$work/report.json"; }
changes=$(of_report .changes)
equals "$(sql "select count(*) || ' ' || count(distinct record_id) from sync_changes where app_id = 'todo'")" \
  "$changes $changes" "rows and changes in the log"
equals "$(of_report .bad)" 0 "answers that were no 200"
equals "$(of_report '.refused | length')" 0 "upgrades that were refused"
equals "$(of_report '.closes["1001"]')" "$told" "sockets that the rollout closed with a close frame"
# While a replica drains its answers end their connections; one that idled all that time may close under a request.
lost=$(of_report "[.lost[] | select(. < $killed)] | length")
expect "hardly a request of the rollout without an answer, $lost had none" test "$lost" -le 2
expect "every tab has everything within $settle_limit_ms ms" test "$(of_report .settledMs)" -le "$settle_limit_ms"

printf '%-46s %8s\n' 'tabs' "$tabs" 'sockets that lost their replica' "$moved" '  told by a close frame' "$told" \
  'changes, each once in the log and on each tab' "$changes" 'requests without an answer, in the rollout' "$lost" \
  '  after the kill' "$(of_report "(.lost | length) - $lost")" 'rows that came again' "$(of_report .repeated)" \
  'notices' "$(of_report .notices)" 'push to another tab, ms: p50' "$(of_report .lagMs.p50)" \
  '  p99' "$(of_report .lagMs.p99)" '  max' "$(of_report .lagMs.max)" \
  'after the last change, ms' "$(of_report .settledMs)"

# It has not passed by doing nothing.
expect "sockets lost their replica" test "$moved" -ge "$tabs"
expect "changes through all of it" test "$changes" -ge 200
# Who had the last change by a request of their own may have been done before their socket was back.
expect "as many sockets as the rollout closed were opened again" test "$(of_report .opened)" -ge $((tabs + told))
