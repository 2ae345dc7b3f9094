#!/usr/bin/env bash
# Every query of the dashboards, and of the alerts and recording rules, against a real Prometheus that scrapes the real
# service under load: grants and their withdrawal, missions, an LLM with faults, sign-ins, sync, a replica that is
# killed. A query must bring numbers other than zero, unless zero_by_design.txt says why it does not.
#
#   dashboards.sh [--screenshots DIR]   also pictures of three of the queries, as Prometheus draws them
# shellcheck source-path=SCRIPTDIR source=harness_prometheus.sh
source "$(dirname "$0")/harness_prometheus.sh"
checks=$checkout/tests/deploy/dashboard_queries.py

case ${1:-} in
  '') pictures='' ;;
  --screenshots) pictures=$(realpath -m "${2:?--screenshots needs a directory}") && mkdir -p "$pictures" ;;
  *) fail "usage: dashboards.sh [--screenshots DIR]" ;;
esac

load_seconds=40
failed=0
python3 -B "$checks" form || failed=1

# -- the service --------------------------------------------------------------------------------------------------

make_keys
start_database
python3 "$checkout/tests/e2e/faulty_llm.py" >"$work/faulty_llm.port" 2>"$work/faulty_llm.log" &
process_pid[faulty_llm]=$!
wait_for 10 "the faulty LLM listens" test -s "$work/faulty_llm.port"

process_port[service]=$(free_port)
auth_url=http://127.0.0.1:${process_port[service]}
runner_url=$auth_url
# The first endpoint has faults; the second one is the service's own stand-in. A call that hangs does so for long enough
# to be met in mid-run, and no circuit opens, or nothing would hang any more.
settings=("${quick_retries[@]}" LLM_FIRST_BYTE_TIMEOUT_MS=5000 LLM_TOTAL_TIMEOUT_MS=8000 CIRCUIT_FAILURES=1000
  MANA_SERVICE_KEY="$service_key" LEASE_MS=3000 TICK_INTERVAL_MS=1000
  SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database"
  MANA_LLM_URL="http://127.0.0.1:$(<"$work/faulty_llm.port")" MANA_LLM_URL_2="$runner_url"
  MANA_AI_PRIVATE_KEY_PEM_FILE="$private_key_file" AUDIT_SIGNING_KEY_PEM_FILE="$audit_key_file"
  MANA_AUTH_URL="$auth_url" JWT_ISSUER="$auth_url")
start_process service all "${settings[@]}" REPLICA_NAME=service BASE_URL="$auth_url" SIGN_IN=true REGISTRATION=true \
  DATABASE_URL="postgresql://mana_auth:$AUTH_PASSWORD@$database_server/$database" MANA_AUTH_KEK_FILE="$kek_file" \
  MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" AUTH_SIGNING_KEY_PEM_FILE="$keys/auth-signing.pem" \
  SYNC_TARGET_DATABASE_URL="$sync_url" WEB_ROOT="$(web_root)" MANA_AI_KEY_EXPIRES=2999-12-31
start_process second runner "${settings[@]}" REPLICA_NAME=second
for name in service second; do wait_for 30 "$name is ready" is_ready "$name"; done

configure_prometheus
set_targets runner service second
for target in auth sync web; do set_targets "$target" service; done
set_targets public
start_blackbox
start_prometheus

# -- the load -----------------------------------------------------------------------------------------------------

for nick in anna ben; do sign_up "$nick"; done
access_token() { jq -r .accessToken "$work/$1.session"; }
anna=$(user_of anna)
ben=$(user_of ben)
listen "$work/anna.heard" service <<<"$(access_token anna)"
sql "insert into mana_ai.user_limits (user_id, runs_per_hour) values ('greedy', 3)" >/dev/null

faults=(none none error none busy none prose none none garbage none refused)
# as_user <token> <method> <path> [curl option...]
as_user() {
  curl -s -o /dev/null --max-time 10 -X "$2" -H @<(printf 'Authorization: Bearer %s\n' "$1") \
    -H 'Content-Type: application/json' "${@:4}" "$runner_url$3" || true
}
change() { # <number>
  printf '{"clientId": "phone", "since": "", "changes": [{"table": "tasks", "id": "t%s", "op": "insert",
    "data": {"title": "Brot"}, "eventId": "6f1c0c1e-2222-4333-8444-%012d"}]}' "$1" "$1"
}
# One step of many users: missions, a push and its repetition, a pull, reads, sign-ins with right and wrong passwords.
step_of_load() { # <number>
  local n=$1 token fault=${faults[$1 % ${#faults[@]}]}
  insert_mission "user-$((n % 20))" "m-$n-a m-$n-b m-$n-c" "{\"title\": \"Lauf fault:$fault\"}"
  insert_mission greedy "m-$n"
  token=$(access_token anna)
  for _ in 1 2; do as_user "$token" POST /sync/todo -d "$(change "$n")"; done
  as_user "$token" GET /sync/todo/pull
  as_user "$token" GET /api/v1/me/ai-audit
  as_user "$token" GET /api/v1/me/missions
  as_user "$token" GET /missions
  as_user "$token" POST /api/v1/me/ai-mission-grant \
    -d '{"missionId": "other", "tables": ["notes"], "recordIds": ["notes:x"]}'
  as_user wrong GET /api/v1/me/ai-audit
  credentials anna | as_user '' POST /api/v1/auth/login -d @-
  as_user '' POST /api/v1/auth/login -d '{"name": "anna", "password": "wrong wrong"}'
}
load() {
  local n=0
  while :; do
    step_of_load "$n" >>"$work/load.log" 2>&1 || true
    n=$((n + 1))
  done
}
# Missions with a grant; that of the second is spoilt, that of the third will be withdrawn in mid-run.
granted_missions() { # <round>
  {
    note "note-$1" "Zahnarzt anrufen"
    mission_on "granted-$1" "notes:note-$1"
    more_mission='{"nextRunAt": null}' mission_on "spoilt-$1" "notes:note-$1"
    more_mission='{"title": "Lauf fault:hang"}' mission_on "withdrawn-$1" "notes:note-$1"
  } | seal_and_write ben
  jq -cn '{"grant.wrappedKey": "spoilt", nextRunAt: (now - 1 | strftime("%Y-%m-%dT%H:%M:%S.000Z"))}' |
    edit_mission "$ben" "spoilt-$1"
}
withdrawn_runs() { [[ $(mission_field service "$ben" "withdrawn-$1" notRunningBecause) == running ]]; }

# What happens once has to happen between two looks of Prometheus: growth that it has not seen is no rate.
scraped() { # every target, twice
  local looks
  looks=$(prometheus_value 'min(sum_over_time(up{job=~"mana-ai-(runner|auth|sync|web)"}[1m]))')
  ((${looks:-0} >= 2))
}
wait_for 60 "Prometheus has looked at every target twice" scraped
began=$SECONDS
load &
process_pid[load]=$!
# A replica dies with runs in flight; the other one rescues them.
second_hangs() {
  insert_mission "hanger-$RANDOM" hang '{"title": "Lauf fault:hang"}'
  (($(sql "select count(*) from mana_ai.mission_snapshots where lease_owner = 'second' and mission_id = 'hang'") > 0))
}
wait_for 20 "the second replica has a run that hangs" second_hangs
stop_process second KILL
rescued() { (($(metric service leases_rescued_total) > 0)); }
wait_for 20 "its leases are rescued" rescued
# What the other one counted just before it died, Prometheus may not have seen grow: the rest is for the survivor.
for round in 1 2; do
  granted_missions "$round"
  wait_for 15 "a run with a grant that is withdrawn" withdrawn_runs "$round"
  echo '{"grant": null}' | edit_mission "$ben" "withdrawn-$round"
done
# A socket that closes; the other one stays.
listen "$work/ben.heard" service <<<"$(access_token ben)"
wait_for 10 "ben is signed in" has_heard "$work/ben.heard" '.message.type == "auth-ok"'
stop_process "socket:$work/ben.heard" KILL
while ((SECONDS - began < load_seconds)); do sleep 0.5; done

# -- what Prometheus makes of it ----------------------------------------------------------------------------------

# plot <uid> <title> <file>
plot() {
  local expression
  expression=$(python3 -B "$checks" expression "$1" "$2" | jq -sRr 'rtrimstr("\n") | @uri')
  screenshot "$pictures/$3.png" "$prometheus_url/graph?g0.expr=$expression&g0.tab=0&g0.range_input=2m"
}
python3 -B "$checks" ask "$prometheus_url" $((SECONDS - began + 5)) || failed=1
if [[ -n $pictures ]]; then
  plot mana-ai-runner 'Runs by outcome' runs-by-outcome
  plot mana-ai-llm 'Requests by outcome' llm-requests
  plot mana-ai-http 'Requests by route' http-routes
fi
expect "no user in the metrics" test -z "$(request service GET /metrics | grep -E "$anna|$ben|greedy|user-1" || true)"
stop_process service
equals "$exit_code" 0 "exit code of the service"
((failed == 0)) || fail "a check failed, see above"
