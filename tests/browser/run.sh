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

# later_build <directory>: the app as a later build of it is, all of whose files have other names.
later_build() {
  local file
  cp -r "$checkout/http/webapp/dist" "$1"
  find "$1" \( -name '*.br' -o -name '*.gz' \) -delete
  for file in "$1"/assets/*; do
    mv "$file" "$1/assets/later-${file##*/}"
    printf '%s\n' "s|\([/\"]\)${file##*/}|\1later-${file##*/}|g"
  done >"$1.sed"
  find "$1" -type f \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.json' \) -exec sed -i -f "$1.sed" {} +
  sed -i 's|</head>|<meta name="build" content="later" />&|' "$1/index.html"
}

make_keys
start_database
start_standin
start_app app MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" GRANTS_PER_HOUR=1000
start_app without_grants TICK_ENABLED=false
start_app one_grant TICK_ENABLED=false MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" GRANTS_PER_HOUR=1

# Two builds behind one address, which tests/browser/lib/door.mjs opens and shuts.
door_port=$(free_port)
door_url=http://127.0.0.1:$door_port
later_build "$work/later"
start_app first_build TICK_ENABLED=false BASE_URL="$door_url"
start_app later_build TICK_ENABLED=false BASE_URL="$door_url" WEB_ROOT="$work/later"

# Where no server plans by itself: a database of its own, or the others would.
database=mana_tabs sync_url=${sync_url%/*}/mana_tabs
"$checkout/deploy/database.sh" "$(cluster_url "$work/postgres")" "$database" "$binary" >"$work/database-tabs.log" 2>&1 ||
  fail "deploy/database.sh failed for $database"
start_app tabs TICK_ENABLED=false

stamp=$here/node_modules/.package-lock.json
[[ $stamp -nt $here/package-lock.json ]] || (cd "$here" && "$checkout/deploy/node.sh" npm ci >"$work/npm.log" 2>&1)

export MANA_APP_URL=http://127.0.0.1:${process_port[app]}
export MANA_APP_WITHOUT_GRANTS_URL=http://127.0.0.1:${process_port[without_grants]}
export MANA_APP_ONE_GRANT_URL=http://127.0.0.1:${process_port[one_grant]}
export MANA_APP_TABS_URL=http://127.0.0.1:${process_port[tabs]}
export MANA_DOOR_PORT=$door_port MANA_FIRST_BUILD_PORT=${process_port[first_build]}
export MANA_LATER_BUILD_PORT=${process_port[later_build]}
export MANA_SUPERUSER_URL=$superuser_url MANA_SERVICE_KEY=$service_key MANA_PICTURES=$checkout/build/browser
cd "$here" || exit
files=("$@")
((${#files[@]})) || files=(*.test.mjs)
"$checkout/deploy/node.sh" node --test "${files[@]}"
