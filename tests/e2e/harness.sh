#!/usr/bin/env bash
# What the end-to-end scripts share; they source it. Each script gets a database cluster of its own and free ports,
# and whatever it started ends with it. Waiting means polling a condition up to a deadline, never a fixed time.
#
# The binary is MANA_AI_BINARY, default build/release/mana-ai. A script prints `ok <name>`, or `FAIL <name>` with the
# reason and the last log lines (exit code 1); MANA_KEEP=1 keeps its directory.
# shellcheck disable=SC2034 # variables that the scripts read
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../deploy/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/cluster.sh"

binary=${MANA_AI_BINARY:-$checkout/build/release/mana-ai}
test_name=$(basename "$0" .sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/mana-e2e.XXXXXX")
chmod 0711 "$work" # the cluster's user passes through
database=mana
service_key=end-to-end-service-key
runner_password=runner-secret
export RUNNER_PASSWORD=$runner_password AUTH_PASSWORD=auth-secret MIGRATOR_PASSWORD=migrator-secret SYNC_PASSWORD=sync-secret
declare -A process_pid process_port
clusters=("$work/postgres") # they end with the script
mounted=()                  # so do these file systems

# Retries within seconds instead of minutes.
quick_retries=(MAX_ATTEMPTS=2 RETRY_BASE_MS=100 RETRY_MAX_MS=200 LLM_MAX_ATTEMPTS=2 LLM_BACKOFF_BASE_MS=10
  LLM_BACKOFF_MAX_MS=50 LLM_CONNECT_TIMEOUT_MS=1000 LLM_FIRST_BYTE_TIMEOUT_MS=1500 LLM_TOTAL_TIMEOUT_MS=3000)

# -- outcome ------------------------------------------------------------------------------------------------------

fail() {
  printf '%s: %s\n' "$test_name" "$*" >&2
  exit 1
}

# expect <what> <command...>
expect() {
  local what=$1
  shift
  "$@" || fail "expected: $what"
}

equals() { [[ $1 == "$2" ]] || fail "$3: expected «$2», got «$1»"; }

# wait_for <seconds> <what> <command...>
wait_for() {
  local deadline=$((SECONDS + $1)) seconds=$1 what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "not within $seconds s: $what"
    sleep 0.1
  done
}

# holds_for <seconds> <what> <command...>
holds_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  while ((SECONDS < deadline)); do
    "$@" || fail "no longer true: $what"
    sleep 0.1
  done
}

finish() {
  local rc=$? name
  set +e
  trap - ERR
  for name in "${!process_pid[@]}"; do
    kill -KILL "${process_pid[$name]}" 2>/dev/null
    wait "${process_pid[$name]}" 2>/dev/null
  done
  ((rc == 0)) || for name in "$work"/*.log; do
    [[ ! -s $name ]] || printf -- '--- %s\n%s\n' "${name##*/}" "$(tail -n 15 "$name" | cut -c1-600)" >&2
  done
  for name in "${clusters[@]}"; do cluster_stop "$name" immediate >/dev/null 2>&1; done
  ((${#mounted[@]} == 0)) || umount --lazy "${mounted[@]}"
  if [[ -n ${MANA_KEEP:-} ]]; then echo "kept: $work" >&2; else rm -rf "$work"; fi
  if ((rc == 0)); then echo "ok $test_name"; else echo "FAIL $test_name"; fi
}
# A command that nobody expected to fail.
set -E
trap 'printf "%s: line %s: %s\n" "$test_name" "${BASH_LINENO[0]}" "$BASH_COMMAND" >&2' ERR
trap finish EXIT
trap 'exit 130' INT TERM

# -- database -----------------------------------------------------------------------------------------------------

# Again on the same port.
start_cluster() { cluster_start "$work/postgres" '' yes; }
# stop_cluster <fast|immediate>
stop_cluster() { cluster_stop "$work/postgres" "$1"; }

# Cluster, roles, tables, migrations.
start_database() {
  start_cluster
  superuser_url=$(cluster_url "$work/postgres" "$database")
  database_server=127.0.0.1:$(<"$work/postgres/port")
  # For a process with the auth target.
  auth_settings=(DATABASE_URL="postgresql://mana_auth:$AUTH_PASSWORD@$database_server/$database"
    MANA_AUTH_KEK="v1:$(openssl rand -base64 32)")
  sync_url=postgresql://mana_sync:$SYNC_PASSWORD@$database_server/$database
  # For a process with the sync target.
  sync_settings=(SYNC_TARGET_DATABASE_URL="$sync_url")
  "$checkout/deploy/database.sh" "$(cluster_url "$work/postgres")" "$database" "$binary" >"$work/database.log" 2>&1 ||
    fail "deploy/database.sh failed"
}

sql() { psql_on "$superuser_url" -At -c "$1"; }

# insert_record <user> <app> <table> <ids> <json>: as the sync service would, in the user's scope; several ids,
# separated by blanks, in one transaction.
insert_record() {
  psql_on "$sync_url" -o /dev/null -v user="$1" -v app="$2" -v table="$3" -v ids="$4" -v data="$5" <<'SQL'
begin;
select set_config('app.current_user_id', :'user', true);
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select :'app', :'table', id, :'user', 'e2e-browser', 'insert',
       jsonb_build_object('id', id, 'userId', :'user', 'createdAt', stamp, 'updatedAt', stamp) || :'data'::jsonb,
       '{"kind": "user"}'
from to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') stamp, string_to_table(:'ids', ' ') id;
commit;
SQL
}

# update_mission <user> <id> <json>: the user changes these fields, now.
update_mission() {
  psql_on "$sync_url" -o /dev/null -v user="$1" -v id="$2" -v data="$3" <<'SQL'
begin;
select set_config('app.current_user_id', :'user', true);
insert into public.sync_changes
  (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor)
select 'ai', 'aiMissions', :'id', :'user', 'e2e-browser', 'update', changed,
       (select jsonb_object_agg(field, stamp) from jsonb_object_keys(changed) field), '{"kind": "user"}'
from to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') stamp,
     lateral (select :'data'::jsonb || jsonb_build_object('updatedAt', stamp)) c (changed);
commit;
SQL
}

insert_goal() {
  insert_record "$1" companion companionGoals "$2" \
    '{"title": "Dreimal laufen", "currentValue": 1, "target": {"value": 3, "period": "week"}}'
}

# insert_mission <user> <ids> [json]: due now, daily at 07:00 in Berlin, with goal-1 of the user as its input.
insert_mission() {
  insert_record "$1" ai aiMissions "$2" "$(jq -cn --argjson more "${3:-{\}}" '{
    title: "Fit bleiben", objective: "Hilf mir, mein Ziel zu erreichen.", conceptMarkdown: "", state: "active",
    inputs: [{module: "goals", table: "companionGoals", id: "goal-1"}], iterations: [],
    cadence: {kind: "daily", atHour: 7, atMinute: 0}, timeZone: "Europe/Berlin",
    nextRunAt: (now - 1 | strftime("%Y-%m-%dT%H:%M:%S.000Z"))} + $more')"
}

# Rows that the runner wrote for a mission, and distinct iterations in the log, whoever wrote them.
write_backs() {
  sql "select count(*) from sync_changes where user_id = '$1' and record_id = '$2' and client_id = 'mana-ai-runner'"
}
iteration_ids() {
  sql "select count(distinct i ->> 'id') from sync_changes c, jsonb_array_elements(c.data -> 'iterations') i
       where c.user_id = '$1' and c.record_id = '$2' and c.table_name = 'aiMissions'"
}
# time_in <seconds>: as the change log writes times.
time_in() { date -u -d "@$(jq -n "now + $1")" +%Y-%m-%dT%H:%M:%S.%3NZ; }
has_iteration() { [[ $(iteration_ids "$1" "$2") -ge 1 ]]; }
planned_once() {
  equals "$(iteration_ids "$1" "$2")" 1 "iterations of $1/$2"
  equals "$(write_backs "$1" "$2")" 1 "write-backs of $1/$2"
}
planned_well() {
  planned_once "$1" "$2"
  equals "$(iteration "$1" "$2" | jq -r .overallStatus)" awaiting-review "the iteration of $1/$2"
}
# A failed iteration that tells the user why, and the next slot is scheduled.
failed_visibly() {
  has_iteration "$1" "$2" || return 1
  equals "$(iteration "$1" "$2" | jq -c '[.overallStatus, (.summary | length > 20), .source]')" \
    '["failed",true,"server"]' "the iteration of $1/$2"
  planned_once "$1" "$2"
  expect "the next run of $1/$2 is ahead" test "$(sql "select data ->> 'nextRunAt' from sync_changes
    where user_id = '$1' and record_id = '$2' and client_id = 'mana-ai-runner'")" '>' "$(time_in 0)"
}
# The newest iteration of a mission.
iteration() {
  sql "select i from sync_changes c, jsonb_array_elements(c.data -> 'iterations') i
       where c.user_id = '$1' and c.record_id = '$2' and c.client_id = 'mana-ai-runner'
       order by i ->> 'startedAt' desc, c.created_at desc limit 1"
}

# -- processes ----------------------------------------------------------------------------------------------------

# start_process <name> <target> [NAME=value...]: does not wait. Nothing of the caller's environment reaches it but
# what the sanitizers need.
start_process() {
  local name=$1 target=$2 port=${process_port[$1]:-$(free_port)} variable
  shift 2
  local settings=(PATH="$PATH" HOME="${HOME:-/}" PORT="$port" BIND_ADDRESS=127.0.0.1)
  for variable in ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS; do
    [[ -z ${!variable:-} ]] || settings+=("$variable=${!variable}")
  done
  env -i "${settings[@]}" "$@" "$binary" "--target=$target" </dev/null >>"$work/$name.log" 2>&1 &
  process_pid[$name]=$!
  process_port[$name]=$port
}

# start_standin [NAME=value...]: sets llm_url.
start_standin() {
  start_process standin llm-standin "$@"
  llm_url=http://127.0.0.1:${process_port[standin]}
  wait_for 20 "the stand-in answers" answers standin /health
}

# start_runner <name> [NAME=value...]
start_runner() {
  local name=$1
  shift
  start_process "$name" runner MANA_SERVICE_KEY="$service_key" REPLICA_NAME="$name" MANA_LLM_URL="$llm_url" \
    SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" "$@"
}

# A directory that the web target accepts, for scripts that ask nothing of the app.
web_root() {
  mkdir -p "$work/webapp"
  echo '<!doctype html><title>an app</title>' >"$work/webapp/index.html"
  echo "$work/webapp"
}

alive() { kill -0 "${process_pid[$1]}" 2>/dev/null; }
dead() { ! alive "$1"; }

# stop_process <name> [signal]: sets exit_code.
stop_process() {
  local name=$1
  kill "-${2:-TERM}" "${process_pid[$name]}"
  # Bash tells of a killed child unless it is being waited for.
  [[ ${2:-} == KILL ]] || wait_for 60 "$name ends" dead "$name"
  exit_code=0
  wait "${process_pid[$name]}" 2>/dev/null || exit_code=$?
  unset "process_pid[$name]"
}

# logged <name> <jq condition>: the lines of a process's log that meet it.
logged() { jq -cR --unbuffered 'fromjson? // empty | select('"$2"')' "$work/$1.log"; }
has_logged() { [[ -n $(logged "$1" "$2") ]]; }

# -- HTTP ---------------------------------------------------------------------------------------------------------

# request <name> <method> <path>: the body; status: the status code alone, 000 without an answer.
request() {
  curl -sS --max-time 120 -X "$2" -H "X-Service-Key: $service_key" "http://127.0.0.1:${process_port[$1]}$3"
}
status() {
  curl -s --max-time 5 -o /dev/null -w '%{http_code}' "${@:3}" "http://127.0.0.1:${process_port[$1]}$2" || true
}
answers() { [[ $(status "$1" "$2") == 200 ]]; }
is_ready() { answers "$1" /ready; }

tick() { request "$1" POST /internal/tick; }

# mission <name> <user> <id>: what the runner says about it; mission_field adds the field's name.
mission() { request "$1" GET "/internal/missions/$2" | jq -c --arg id "$3" '.missions[] | select(.id == $id)'; }
mission_field() { mission "$1" "$2" "$3" | jq -r --arg field "$4" '.[$field] // ""'; }
# reasons <name> <user>: how many missions do not run for which reason, as JSON.
reasons() {
  request "$1" GET "/internal/missions/$2" |
    jq -cS '[.missions[].notRunningBecause] | group_by(.) | map({key: .[0], value: length}) | from_entries'
}
reasons_are() { [[ $(reasons "$1" "$2") == "$3" ]]; }
mission_field_is() { [[ $(mission_field "$1" "$2" "$3" "$4") == "$5" ]]; }
