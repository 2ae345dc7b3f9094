#!/usr/bin/env bash
# A rollout and its roll-back, as the runbook and the Kubernetes manifests have them: three replicas with all targets are
# replaced one by one while missions become due all the time and a client asks for something of each target through a
# front that knows of the replicas what /ready says. Nobody notices: no request fails, each slot has one iteration,
# and a run that was handed back is no attempt.
#
# MANA_AI_NEXT_BINARY is what is rolled out; default: the same binary.
# shellcheck source-path=SCRIPTDIR source=harness_sync.sh
source "$(dirname "$0")/harness_sync.sh"

next_binary=${MANA_AI_NEXT_BINARY:-$binary}
users=30 missions=300 slots_per_second=80
cadence_minutes=1440 # what the runner plans next is far away: slots come from the test
# /ready is looked at every 200 ms; the delay leaves ten times that to a busy machine. The grace is shorter than most LLM
# calls, so that runs are handed back. The lease outlives the test: only a hand-back frees a mission in time.
probe_period_ms=200
stopping=(SHUTDOWN_DELAY_MS=2500 SHUTDOWN_GRACE_MS=100 LEASE_MS=600000)
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
# Those that live, also while they stop: the front has nothing but /ready to go by.
list_endpoints() {
  local name
  for name in "${!process_pid[@]}"; do
    [[ $name != replica-* ]] || echo "${process_port[$name]}"
  done >"$work/endpoints.new"
  mv "$work/endpoints.new" "$work/endpoints"
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

# What is due, and the missions, which have no slot yet.
psql_on "$superuser_url" -o /dev/null -v users="$users" -v missions="$missions" -v minutes="$cadence_minutes" <<'SQL'
create table public.due (
  user_id text, mission_id text, number int, slot_at timestamptz, primary key (user_id, mission_id, number));
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select 'ai', 'aiMissions', 'mission-' || n, user_id, 'e2e-browser', 'insert',
       jsonb_build_object('id', 'mission-' || n, 'userId', user_id, 'createdAt', stamp, 'updatedAt', stamp, 'title', 'Neu',
         'objective', 'Hilf mir, mein Ziel zu erreichen.', 'conceptMarkdown', '', 'state', 'active', 'inputs', '[]'::jsonb,
         'iterations', '[]'::jsonb, 'cadence', jsonb_build_object('kind', 'interval', 'everyMinutes', :minutes)),
       '{"kind": "user"}'
from generate_series(1, :missions) n,
     lateral (select 'user-' || n % :users, to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) x (user_id, stamp);
SQL

# Missions whose slot is over, those that rest longest first, get another one within the next second and a half.
move_slots() {
  psql_on "$superuser_url" -o /dev/null -v n="$slots_per_second" -v minutes="$cadence_minutes" <<'SQL'
with idle as (
  select s.user_id, s.mission_id, coalesce(d.number, 0) + 1 as number
  from mana_ai.mission_snapshots s
  left join lateral (select number, slot_at from public.due d
                     where (d.user_id, d.mission_id) = (s.user_id, s.mission_id) order by number desc limit 1) d on true
  where d.number is null or s.slot_at = d.slot_at + :minutes * interval '1 min'
  order by d.slot_at nulls first limit :n),
moved as (
  insert into public.due
  select user_id, mission_id, number,
         date_trunc('milliseconds', clock_timestamp() + interval '0.5 s' + random() * interval '1 s')
  from idle returning *)
insert into public.sync_changes
  (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor)
select 'ai', 'aiMissions', mission_id, user_id, 'e2e-browser', 'update', data,
       (select jsonb_object_agg(field, stamp) from jsonb_object_keys(data) field), '{"kind": "user"}'
from moved,
     lateral (select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) s (stamp),
     lateral (select jsonb_build_object('title', 'Mission ' || mission_id || ' Slot ' || number, 'updatedAt', stamp,
       'nextRunAt', to_char(slot_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) d (data);
SQL
}
feed() {
  while [[ ! -e $work/fed ]]; do
    move_slots
    sleep 1
  done
}
missions_known() { [[ $(sql "select count(*) from mana_ai.mission_snapshots") == "$missions" ]]; }
wait_for 30 "the replicas know the missions" missions_known
feed 2>"$work/feed.log" &
feeder=$!
process_pid[feeder]=$feeder

python3 -B "$checkout/tests/e2e/service_front.py" --endpoints "$work/endpoints" --period-ms "$probe_period_ms" \
  >"$work/front.port" 2>"$work/front.log" &
process_pid[front]=$!
wait_for 10 "the front listens" test -s "$work/front.port"
process_port[front]=$(<"$work/front.port")
wait_for 10 "the front has somebody to ask" answers front /health
token replica-a-1 user-1 >"$work/token"
python3 -B "$checkout/tests/e2e/steady_client.py" --url "http://127.0.0.1:${process_port[front]}" --user user-1 \
  --token "$work/token" --service-key "$service_key" >"$work/report.json" 2>"$work/client.log" &
process_pid[client]=$!

# -- the rollout, and back ----------------------------------------------------------------------------------------

plans() { sql "select count(*) from sync_changes where client_id = 'mana-ai-runner'"; }
has_planned() { (($(grep -c '"outcome":"planned"' "$work/$1.log" || true) >= 10)); }

for place in a b c; do wait_for 60 "replica-$place-1 plans" has_planned "replica-$place-1"; done
# The schema goes first, and the old replicas go on beside it.
MIGRATION_DATABASE_URL="postgresql://mana_ai_migrator:$MIGRATOR_PASSWORD@$database_server/$database" \
  "$next_binary" migrate --target=runner,auth,sync >"$work/migrate.log" 2>&1 || fail "the next binary does not migrate"
for place in a b c; do replace "replica-$place-1" "replica-$place-2" "$next_binary"; done
for place in a b c; do replace "replica-$place-2" "replica-$place-3" "$binary"; done

touch "$work/fed"
wait "$feeder" || fail "slots could not be moved"
unset "process_pid[feeder]"
stop_process client
equals "$exit_code" 0 "exit code of the client"
slots=$(sql "select count(*) from public.due")
all_planned() { (($(plans) >= slots)); }
wait_for 60 "every slot ends" all_planned
for place in a b c; do end_replica "replica-$place-3"; done

# -- what became of it --------------------------------------------------------------------------------------------

# A row of the runner ends the slot that lies one cadence before the next run it names.
psql_on "$superuser_url" -o /dev/null -v minutes="$cadence_minutes" <<'SQL'
create view public.written as
select c.user_id, c.record_id as mission_id,
       (c.data ->> 'nextRunAt')::timestamptz - :minutes * interval '1 min' as slot_at
from public.sync_changes c where c.client_id = 'mana-ai-runner';
create view public.iterations as
select c.user_id, c.record_id as mission_id, i ->> 'id' as id, i ->> 'overallStatus' as status
from public.sync_changes c, jsonb_array_elements(c.data -> 'iterations') i where c.table_name = 'aiMissions';
SQL
equals "$(sql "select d.user_id, d.mission_id, d.number, count(w) from public.due d
  left join public.written w using (user_id, mission_id, slot_at) group by 1, 2, 3 having count(w) <> 1")" '' \
  "slots that were not written once"
equals "$(sql "select * from public.written w
  where not exists (select from public.due d where (d.user_id, d.mission_id, d.slot_at) = (w.user_id, w.mission_id, w.slot_at))")" \
  '' "rows about no slot"
equals "$(sql "select user_id, mission_id, n, (select count(distinct id) from public.iterations i
    where (i.user_id, i.mission_id) = (d.user_id, d.mission_id)) as found
  from (select user_id, mission_id, count(*) n from public.due group by 1, 2) d
  where n <> (select count(distinct id) from public.iterations i where (i.user_id, i.mission_id) = (d.user_id, d.mission_id))")" \
  '' "missions with more or fewer iterations than slots"
equals "$(sql "select count(*) from public.iterations where status = 'failed'")" 0 "failed iterations"
equals "$(sql "select user_id, mission_id, attempt, crashes, hold, lease_owner from mana_ai.mission_snapshots
  where attempt <> 0 or crashes <> 0 or hold is not null or lease_token is not null")" '' "missions that are not at rest"

# Each run that ended with a plan was its slot's first attempt, also those that had been handed back before.
for name in "${replicas[@]}"; do logged "$name" true | jq -c --arg replica "$name" '. + {$replica}'; done >"$work/events.jsonl"
events() { jq -cn "[inputs | select($1)] | $2" "$work/events.jsonl"; }
runs='.event == "run_finished"'
equals "$(events "$runs and .outcome == \"planned\" and .attempt != 1" length)" 0 "plans of an attempt after the first"
equals "$(events "$runs and .outcome != \"planned\" and .error != \"shutting_down\"" '.[:3]')" '[]' "runs that ended otherwise"
handed_back=$(events '.event == "stopped"' 'map(.handed_back) | add')
finished=$(events '.event == "stopped"' 'map(.finished) | add')
equals "$(events '.event == "stopped"' length)" "${#replicas[@]}" "replicas that stopped in order"
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
