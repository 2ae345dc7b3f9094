#!/usr/bin/env bash
# The browser app in Debian's Chromium, against the real binary, app and database. Screenshots of its main pages are
# written to build/browser.
#
#   run.sh [file.test.mjs...]   default: all
#
# Needs build/release/mana-ai and http/webapp/dist: deploy/build.sh release mana-ai, deploy/webapp.sh.
# shellcheck source-path=SCRIPTDIR/../e2e source=harness_grants.sh
source "$(dirname "$0")/../e2e/harness_grants.sh"
test_name=browser
here=$checkout/tests/browser

command -v chromium >/dev/null || fail "chromium is missing: run deploy/deps.sh tests"
[[ -f $checkout/http/webapp/dist/index.html ]] || fail "the app is not built: run deploy/webapp.sh"

# start_app <name> [NAME=value...]: all targets on one port, as deploy/up.sh starts them.
start_app() {
  local name=$1
  shift
  process_port[$name]=$(free_port)
  local url=http://127.0.0.1:${process_port[$name]}
  start_process "$name" runner,auth,sync,web REPLICA_NAME="$name" MANA_SERVICE_KEY="$service_key" \
    MANA_LLM_URL="$llm_url" WEB_ROOT="$checkout/http/webapp/dist" BASE_URL="$url" SIGN_IN=true REGISTRATION=true \
    SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" \
    SYNC_TARGET_DATABASE_URL="$sync_url" \
    DATABASE_URL="postgresql://mana_auth:$AUTH_PASSWORD@$database_server/$database" \
    AUTH_SIGNING_KEY_PEM_FILE="$keys/auth-signing.pem" MANA_AUTH_KEK_FILE="$kek_file" \
    MANA_AI_PRIVATE_KEY_PEM_FILE="$private_key_file" AUDIT_SIGNING_KEY_PEM_FILE="$audit_key_file" \
    TICK_INTERVAL_MS=1000 RETRY_BASE_MS=200 RETRY_MAX_MS=1000 "$@"
  wait_for 30 "$name is ready" is_ready "$name"
}

make_keys
start_database
start_standin
start_app app MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" GRANTS_PER_HOUR=1000
start_app without_grants TICK_ENABLED=false
start_app one_grant TICK_ENABLED=false MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" GRANTS_PER_HOUR=1

stamp=$here/node_modules/.package-lock.json
[[ $stamp -nt $here/package-lock.json ]] || (cd "$here" && "$checkout/deploy/node.sh" npm ci >"$work/npm.log" 2>&1)

export MANA_APP_URL=http://127.0.0.1:${process_port[app]}
export MANA_APP_WITHOUT_GRANTS_URL=http://127.0.0.1:${process_port[without_grants]}
export MANA_APP_ONE_GRANT_URL=http://127.0.0.1:${process_port[one_grant]}
export MANA_SUPERUSER_URL=$superuser_url MANA_SERVICE_KEY=$service_key MANA_PICTURES=$checkout/build/browser
cd "$here" || exit
files=("$@")
((${#files[@]})) || files=(*.test.mjs)
"$checkout/deploy/node.sh" node --test "${files[@]}"
