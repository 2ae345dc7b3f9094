#!/usr/bin/env bash
# The running service is as its OpenAPI document says: the routes that it has are those of the document, and every
# operation's status, headers and body, in success and in its main errors, fit the schemas; what it takes fits those of
# requests. Then the same without the database.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"
# shellcheck source-path=SCRIPTDIR source=../openapi/packages.sh
source "$checkout/tests/openapi/packages.sh"

install_openapi_packages >"$work/npm.log" 2>&1 || fail "the packages of tests/openapi could not be installed"

# start_all <name> <targets> [NAME=value...]: several targets on one port. Ticks come from the test.
start_all() {
  local name=$1 targets=$2
  process_port[$name]=${process_port[$name]:-$(free_port)}
  start_process "$name" "$targets" REPLICA_NAME="$name" MANA_SERVICE_KEY="$service_key" WEB_ROOT="$(web_root)" \
    SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" \
    SYNC_TARGET_DATABASE_URL="$sync_url" DATABASE_URL="postgresql://mana_auth:$AUTH_PASSWORD@$database_server/$database" \
    AUTH_SIGNING_KEY_PEM_FILE="$keys/auth-signing.pem" MANA_AUTH_KEK_FILE="$kek_file" \
    SIGN_IN=true REGISTRATION=true TICK_ENABLED=false "${quick_retries[@]}" "${@:3}"
}
conformance() { "$checkout/deploy/node.sh" node "$checkout/tests/openapi/conformance.mjs" "$@"; }
# phase <name>: what it finds goes to the output.
phase() { conformance "$1" >"$work/$1.out" 2>&1 || fail "$1:"$'\n'"$(head -n 40 "$work/$1.out" | cut -c1-900)"; }

mkdir -p "$work/webapp/assets/deep"
echo 'export {};' | tee "$work/webapp/assets/app-1.js" >"$work/webapp/assets/deep/app-2.js"
gzip -k "$work/webapp/assets/app-1.js"
echo '<svg xmlns="http://www.w3.org/2000/svg"/>' >"$work/webapp/icon.svg"

# -- services -----------------------------------------------------------------------------------------------------

make_keys
start_database
start_process limited llm-standin STANDIN_RATE_LIMIT_RATE=1
start_process failing llm-standin STANDIN_ERROR_RATE=1
process_port[app]=$(free_port)
auth_url=http://127.0.0.1:${process_port[app]}
runner_url=$auth_url
start_all app all BASE_URL="$auth_url" MANA_LLM_URL="$auth_url" MANA_AI_PRIVATE_KEY_PEM_FILE="$private_key_file" \
  MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" AUDIT_SIGNING_KEY_PEM_FILE="$audit_key_file" GRANTS_PER_HOUR=2 \
  LOG_LEVEL=debug
start_all bare runner,auth,sync,web BASE_URL="$auth_url" LLM_CALLS_PER_MINUTE=1 \
  MANA_LLM_URL="http://127.0.0.1:${process_port[failing]}"
for name in limited failing; do wait_for 30 "$name answers" answers "$name" /health; done
for name in app bare; do wait_for 30 "$name is ready" is_ready "$name"; done

# -- what there is to see -----------------------------------------------------------------------------------------

sign_up anna
anna=$(user_of anna)
insert_goal "$anna" goal-1
{
  note note-1 Laufen
  note note-2 Lesen
  mission_on granted notes:note-1 notes:note-2
} | seal_and_write anna
insert_mission "$anna" poisoned
insert_mission "$anna" later "$(jq -cn --arg at "$(time_in 86400)" '{nextRunAt: $at}')"
insert_mission "$anna" paused '{"state": "paused"}'
equals "$(tick app | jq -c '[.dueMissionCount, .plansWrittenBack]')" '[2,2]' "the first tick"
# As after three runs in a row that ended their runner.
sql "update mana_ai.mission_snapshots set quarantined_at = now(), hold = 'quarantined', claimable_at = null
     where user_id = '$anna' and mission_id = 'poisoned'" >/dev/null
insert_mission "$anna" tabbed

# -- the document and the service ---------------------------------------------------------------------------------

MANA_RECOVERY_WRAP=$(browser anna recovery-wrap)
export MANA_RECOVERY_WRAP MANA_SEEN=$work/seen.jsonl MANA_SERVICE_KEY=$service_key MANA_SESSION=$work/anna.session \
  MANA_APP_URL=$auth_url MANA_BARE_URL=http://127.0.0.1:${process_port[bare]} \
  MANA_STANDIN_LIMITED_URL=http://127.0.0.1:${process_port[limited]} \
  MANA_STANDIN_FAILING_URL=http://127.0.0.1:${process_port[failing]}
phase routes <"$work/app.log"
phase calls
stop_cluster immediate
phase outage
phase coverage
cat "$work/coverage.out"
start_cluster
for name in app bare limited failing; do
  stop_process "$name"
  equals "$exit_code" 0 "exit code of $name"
done
