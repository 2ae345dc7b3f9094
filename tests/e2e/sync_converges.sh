#!/usr/bin/env bash
# Fifty devices push and pull at random while connections are cut, COMMITs lose their answer, backends are terminated
# and processes are killed. In the end every change is there once, on every device, and all agree.
# SEED replays the devices' choices.
# shellcheck source-path=SCRIPTDIR source=harness_sync.sh
source "$(dirname "$0")/harness_sync.sh"

seed=${SEED:-$RANDOM$RANDOM}
seconds=${SECONDS_OF_FAULTS:-20}
echo "seed $seed"

make_keys
start_database
python3 "$checkout/tests/chaos/fault_proxy.py" --server "$database_server" --seed "$seed" >"$work/proxy.json" 2>"$work/proxy.log" &
process_pid[proxy]=$!
wait_for 10 "the proxy listens" test -s "$work/proxy.json"
order() {
  python3 -c '
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.sendall(sys.argv[2].encode() + b"\n")
    print(s.makefile().readline().strip())' "$(jq .control "$work/proxy.json")" "$1"
}
sync_settings=(SYNC_TARGET_DATABASE_URL="postgresql://mana_sync:$SYNC_PASSWORD@127.0.0.1:$(jq .port "$work/proxy.json")/$database"
  SYNC_TARGET_LISTEN_URL="$sync_url")
for name in east west; do start_sync "$name"; done
for name in east west; do wait_for 30 "$name is ready" is_ready "$name"; done
jq -n --arg anna "$(token east anna)" --arg ben "$(token east ben)" '{$anna, $ben}' >"$work/tokens.json"

order '{"weather": {"delay": 0.01, "delay_ms": 50, "cut": 0.004, "drop_after_commit": 0.05}}' >/dev/null
node "$checkout/tests/e2e/sync/crowd.mjs" "$seconds" "$seed" "$work/tokens.json" \
  "http://127.0.0.1:${process_port[east]}" "http://127.0.0.1:${process_port[west]}" >"$work/report.json" 2>"$work/crowd.log" &
crowd=$!
process_pid[crowd]=$crowd

# Faults follow one another as long as the devices live.
kills=0
deadline=$((SECONDS + seconds))
while ((SECONDS < deadline)); do
  for name in east west; do
    sleep 1.5 # the pace of the faults; nothing waits for it
    stop_process "$name" KILL
    kills=$((kills + 1))
    start_sync "$name"
    sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'mana_sync' and random() < 0.5" >/dev/null
    wait_for 30 "$name answers again" answers "$name" /health
  done
done
order '{"weather": {"delay": 0, "cut": 0, "drop_after_commit": 0}}' >"$work/weather.json"
rc=0
wait "$crowd" || rc=$?
unset 'process_pid[crowd]'
cat "$work/report.json" "$work/weather.json"
echo "kills $kills"
((rc == 0)) || fail "the devices do not agree, seed $seed: $(tail -n 20 "$work/crowd.log")"
expect "the weather was bad" jq -e '.cuts > 0 and .drops_after_commit > 0' "$work/weather.json" >/dev/null
expect "the devices noticed" jq -e '.losses > 0 and .changes > 100' "$work/report.json" >/dev/null

# What the database says: each change of each user once.
for user in anna ben; do
  equals "$(sql "select count(*) || ' ' || count(distinct coalesce(event_id, id)) from sync_changes where user_id = '$user'")" \
    "$(jq -r --arg u "$user" '"\(.perUser[$u]) \(.perUser[$u])"' "$work/report.json")" "rows and changes of $user"
done
