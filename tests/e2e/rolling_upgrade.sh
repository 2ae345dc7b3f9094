#!/usr/bin/env bash
# A rollout and its roll-back, as the runbook and the Kubernetes manifests have them: three replicas with all targets are
# replaced one by one while missions become due all the time and a client asks for something of each target through a
# front that knows of the replicas what /ready says. Nobody notices: no request fails, each slot has one iteration,
# and a run that was handed back is no attempt.
#
# MANA_AI_NEXT_BINARY is what is rolled out; default: the same binary.
# shellcheck source-path=SCRIPTDIR source=harness_sync.sh
source "$(dirname "$0")/harness_sync.sh"
# shellcheck source-path=SCRIPTDIR source=harness_slots.sh
source "$(dirname "$0")/harness_slots.sh"

next_binary=${MANA_AI_NEXT_BINARY:-$binary}
users=30 missions=300 slots_per_second=80
# /ready is looked at every 200 ms; the delay leaves ten times that to a busy machine. The grace is shorter than most LLM
# calls, so that runs are handed back. The lease outlives the test: only a hand-back frees a mission in time.
probe_period_ms=200
stopping=(SHUTDOWN_DELAY_MS=2500 SHUTDOWN_GRACE_MS=50 LEASE_MS=600000)
pod_grace_seconds=45 # of the runner's manifest; a kubelet would kill after that

# -- the service --------------------------------------------------------------------------------------------------

# start_replica <name> <binary>: start_process takes the variable.
start_replica() {
  local name=$1 binary=$2
  start_process "$name" runner,auth,sync REPLICA_NAME="$name" MANA_SERVICE_KEY="$service_key" MANA_LLM_URL="$llm_url" \
    SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" \
    "${auth_settings[@]}" "${sync_settings[@]}" BASE_URL="$issuer" AUTH_SIGNING_KEY_PEM_FILE="$keys/auth-signing.pem" \
    "${stopping[@]}" TICK_INTERVAL_MS=1000 MAX_OPEN_ITERATIONS=1000 RUNS_PER_HOUR=0 TOKENS_PER_DAY=0
  replicas+=("$name")
  list_endpoints
}
# end_replica <name>
end_replica() {
  local begun=${EPOCHREALTIME/./} took
  stop_process "$1"
  took=$(((${EPOCHREALTIME/./} - begun) / 1000))
  list_endpoints
  equals "$exit_code" 0 "exit code of $1"
  ((took < pod_grace_seconds * 1000)) || fail "$1 took $took ms to end"
  ((took <= slowest_exit_ms)) || slowest_exit_ms=$took
}
# replace <old> <new> <binary>
replace() {
  start_replica "$2" "$3"
  wait_for 30 "$2 is ready" is_ready "$2"
  end_replica "$1"
  replacements=$((replacements + 1))
  # Each is to have taken part before the next one comes.
  wait_for 60 "$2 plans" has_planned "$2"
}
replicas=() slowest_exit_ms=0 replacements=0

make_keys
start_database
python3 -B "$checkout/tests/chaos/unreliable_llm.py" --record "$work/calls.jsonl" --seed 1 --errors 0 --hangs 0 \
  --garbage 0 --latency-ms 100-300 >"$work/llm.port" 2>"$work/llm.log" &
process_pid[llm]=$!
wait_for 10 "the LLM listens" test -s "$work/llm.port"
llm_url=http://127.0.0.1:$(<"$work/llm.port")
for place in a b c; do start_replica "replica-$place-1" "$binary"; done
for place in a b c; do wait_for 30 "replica-$place-1 is ready" is_ready "replica-$place-1"; done

# -- the load -----------------------------------------------------------------------------------------------------

psql_on "$superuser_url" -o /dev/null -v users="$users" -v missions="$missions" -v cadence="$slot_cadence" <<'SQL'
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select 'ai', 'aiMissions', 'mission-' || n, user_id, 'e2e-browser', 'insert',
       jsonb_build_object('id', 'mission-' || n, 'userId', user_id, 'createdAt', stamp, 'updatedAt', stamp, 'title', 'Neu',
         'objective', 'Hilf mir, mein Ziel zu erreichen.', 'conceptMarkdown', '', 'state', 'active', 'inputs', '[]'::jsonb,
         'iterations', '[]'::jsonb, 'cadence', :'cadence'::jsonb),
       '{"kind": "user"}'
from generate_series(1, :missions) n,
     lateral (select 'user-' || n % :users, to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) x (user_id, stamp);
SQL
missions_known() { [[ $(sql "select count(*) from mana_ai.mission_snapshots") == "$missions" ]]; }
wait_for 30 "the replicas know the missions" missions_known
start_feeding "$slots_per_second"

python3 -B "$checkout/tests/e2e/service_front.py" --endpoints "$work/endpoints" --period-ms "$probe_period_ms" \
  >"$work/front.port" 2>>"$work/front.log" &
process_pid[front]=$!
wait_for 10 "the front listens" test -s "$work/front.port"
process_port[front]=$(<"$work/front.port")
wait_for 10 "the front has somebody to ask" answers front /health
: >"$work/front.log" # that nobody was ready yet is nothing to tell
token replica-a-1 user-1 >"$work/token"
python3 -B "$checkout/tests/e2e/steady_client.py" --url "http://127.0.0.1:${process_port[front]}" --user user-1 \
  --token "$work/token" --service-key "$service_key" >"$work/report.json" 2>"$work/client.log" &
process_pid[client]=$!

# -- the rollout, and back ----------------------------------------------------------------------------------------

for place in a b c; do wait_for 60 "replica-$place-1 plans" has_planned "replica-$place-1"; done
# The schema goes first, and the old replicas go on beside it.
MIGRATION_DATABASE_URL="postgresql://mana_ai_migrator:$MIGRATOR_PASSWORD@$database_server/$database" \
  "$next_binary" migrate --target=runner,auth,sync >"$work/migrate.log" 2>&1 || fail "the next binary does not migrate"
for place in a b c; do replace "replica-$place-1" "replica-$place-2" "$next_binary"; done
for place in a b c; do replace "replica-$place-2" "replica-$place-3" "$binary"; done

stop_process client
equals "$exit_code" 0 "exit code of the client"
stop_feeding
for place in a b c; do end_replica "replica-$place-3"; done

# -- what became of it --------------------------------------------------------------------------------------------

each_slot_planned_once
# Also of those that had been handed back before, no run is its slot's second attempt.
gather "${replicas[@]}"
handed_back=$(events '.event == "stopped"' 'map(.handed_back) | add')
finished=$(events '.event == "stopped"' 'map(.finished) | add')
again=$(jq -cn '[inputs | select(.event == "seen")] | group_by([.mission, .slot]) | map(select(length > 1)) | length' "$work/calls.jsonl")

equals "$(jq -c '.bad[:5]' "$work/report.json")" '[]' "what the client got instead of a 200"
expect "the front had nothing to tell" test ! -s "$work/front.log"
jq -r '.pushed[]' "$work/report.json" | psql_on "$superuser_url" -o /dev/null \
  -c 'create table public.pushed (id uuid)' -c '\copy public.pushed from pstdin'
equals "$(sql "select count(*) from public.pushed p where (select count(*) from sync_changes c
  where c.client_id = 'steady-client' and c.record_id = p.id::text) <> 1")" 0 "accepted changes that are not in the log once"

polls=$(jq .polls "$work/report.json")
pushed=$(jq '.pushed | length' "$work/report.json")
printf '%-42s %8s\n' 'replacements' "$replacements" 'polls' "$polls" '  changes pushed' "$pushed" \
  '  slowest, ms' "$(jq .slowest_ms "$work/report.json")" 'slots due, each planned once' "$slots" \
  'runs finished within the grace' "$finished" 'runs handed back' "$handed_back" '  after the LLM was asked' "$again" \
  'slowest exit, ms' "$slowest_exit_ms"

# It has not passed by doing nothing.
expect "each replica replaced twice" test "$replacements" -eq 6
expect "polls through all of it" test "$polls" -ge 500
expect "changes pushed through all of it" test "$pushed" -ge 50
expect "slots through all of it" test "$slots" -ge 500
expect "runs handed back" test "$handed_back" -ge 5
expect "runs asked the LLM again" test "$again" -ge 1
for name in "${replicas[@]}"; do
  polled=$(jq ".replicas[\"${process_port[$name]}\"] // 0" "$work/report.json")
  ((polled >= 5)) || fail "$name answered $polled polls"
done
