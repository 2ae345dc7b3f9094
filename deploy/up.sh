#!/usr/bin/env bash
# From a bare Debian 12 to a running service with its browser app and a demo mission, in one command.
#
#   up.sh [start]   packages, builds, database, service, demo; quick when all of it is there already, data is kept
#   up.sh stop      stops the service (it finishes or hands back its runs) and the database
#   up.sh status    what runs; exit code 0 when both do
#
# With MANA_LLM_URL in the environment that endpoint plans, else the stand-in that the service brings along. Every
# setting that `mana-ai --help` lists may be given in the environment. State: see state_dir in cluster.sh.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
# shellcheck source-path=SCRIPTDIR source=demo/demo.sh
source "$checkout/deploy/demo/demo.sh"

database=mana
stop_seconds=60 # longer than any sensible grace period of the service

step() { printf '==> %s\n' "$*"; }

locate_state() {
  state=$(state_dir)
  cluster=$state/postgres
  secrets=$state/secrets.env
  keys=$state/keys
  log=$state/log/mana-ai.log
  # `pid start-ticks port fingerprint`: pids are used again, a pid with its start time is not.
  pid_file=$state/mana-ai.pid
  # A copy: the build directory may be closed to the service user, and a build must not change what runs.
  binary=$state/bin/mana-ai
  webapp=$state/webapp # where the binary looks for it
  export PORT=${PORT:-3067}
}

# -- secrets ------------------------------------------------------------------------------------------------------

# Made once, one by one as releases come to need them. They belong to whoever calls this script; the service gets
# them through its environment.
load_secrets() {
  local own_key=${MANA_SERVICE_KEY:-} name
  (
    umask 077
    touch "$secrets"
    for name in RUNNER_PASSWORD MIGRATOR_PASSWORD SYNC_PASSWORD AUTH_PASSWORD DEMO_PASSWORD MANA_SERVICE_KEY; do
      grep -q "^$name=" "$secrets" || printf '%s=%s\n' "$name" "$(openssl rand -hex 24)" >>"$secrets"
    done
  )
  # shellcheck source=/dev/null
  source "$secrets"
  export MANA_SERVICE_KEY=${own_key:-$MANA_SERVICE_KEY}
}

# Made once. They belong to the service user, in a directory that nobody else may enter.
make_keys() {
  [[ ! -e $keys/mana-ai-private.pem ]] || return 0
  step "keys: mana-ai keygen"
  make_service_dir "$keys"
  as_service_user "$binary" keygen "--out=$keys" | sed 's/^/    /'
}

# -- service ------------------------------------------------------------------------------------------------------

start_ticks() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

service_runs() {
  service_pid='' service_port='' service_fingerprint=''
  local ticks
  [[ -f $pid_file ]] || return 1
  read -r service_pid ticks service_port service_fingerprint <"$pid_file" || return 1
  [[ -n $ticks && $(start_ticks "$service_pid") == "$ticks" ]]
}

choose_settings() {
  SYNC_DATABASE_URL=postgresql://mana_ai_runner:$RUNNER_PASSWORD@127.0.0.1:$(<"$cluster/port")/$database
  export SYNC_DATABASE_URL
  SYNC_TARGET_DATABASE_URL=postgresql://mana_sync:$SYNC_PASSWORD@127.0.0.1:$(<"$cluster/port")/$database
  export SYNC_TARGET_DATABASE_URL
  unset MIGRATION_DATABASE_URL # the service needs no right to migrate: database.sh did
  DATABASE_URL=postgresql://mana_auth:$AUTH_PASSWORD@127.0.0.1:$(<"$cluster/port")/$database
  export DATABASE_URL BASE_URL=${BASE_URL:-http://localhost:$PORT} SIGN_IN=true REGISTRATION=true
  export MANA_AI_PRIVATE_KEY_PEM_FILE=$keys/mana-ai-private.pem MANA_AI_PUBLIC_KEY_PEM_FILE=$keys/mana-ai-public.pem
  export MANA_AUTH_KEK_FILE=$keys/mana-auth-kek.txt AUTH_SIGNING_KEY_PEM_FILE=$keys/auth-signing.pem
  export AUDIT_SIGNING_KEY_PEM_FILE=$keys/audit-signing.pem
  if [[ -n ${MANA_LLM_URL:-} ]]; then
    target=runner,auth,sync,web
  else
    target=all
    export MANA_LLM_URL=http://127.0.0.1:$PORT
  fi
}

# Changes when the binary, the app, the target or any setting that the binary knows changes.
fingerprint() {
  local name
  {
    sha256sum <"$binary"
    (cd "$webapp" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
    echo "$target"
    for name in $("$binary" --help | grep -oE '\b(PORT|[A-Z0-9]+(_[A-Z0-9]+)+)\b' | sort -u); do
      printf '%s=%s\n' "$name" "${!name-}"
    done
  } | sha256sum | cut -d' ' -f1
}

last_log_lines() {
  echo "--- the last lines of $log" >&2
  tail -n 15 "$log" >&2 || true
}

wait_until_ready() {
  local deadline=$((SECONDS + 60))
  until curl -fsS --max-time 2 -o /dev/null "http://127.0.0.1:$PORT/ready" 2>/dev/null; do
    if ! service_runs; then
      last_log_lines
      die "the service ended while it started"
    fi
    if ((SECONDS >= deadline)); then
      last_log_lines
      echo "--- GET /ready" >&2
      curl -sS --max-time 2 "http://127.0.0.1:$PORT/ready" >&2 || true
      echo >&2
      die "the service did not become ready within 60 s"
    fi
    sleep 0.2
  done
}

install_binary() {
  cmp -s "$checkout/build/release/mana-ai" "$binary" && return
  mkdir -p "${binary%/*}"
  install -m 0755 "$checkout/build/release/mana-ai" "$binary.new"
  mv "$binary.new" "$binary"
}

install_webapp() {
  diff -rq "$checkout/http/webapp/dist" "$webapp" >/dev/null 2>&1 && return
  rm -rf "$webapp.new" "$webapp.old"
  cp -R "$checkout/http/webapp/dist" "$webapp.new"
  chmod -R a+rX "$webapp.new"
  [[ ! -e $webapp ]] || mv "$webapp" "$webapp.old"
  mv "$webapp.new" "$webapp"
  rm -rf "$webapp.old"
}

service_start() {
  local wanted
  mkdir -p "${log%/*}"
  wanted=$(fingerprint)
  if service_runs; then
    if [[ $service_fingerprint == "$wanted" ]]; then
      step "service: unchanged (pid $service_pid)"
      wait_until_ready
      return
    fi
    step "service: binary or settings changed, restart"
    service_stop
  fi
  port_is_free "$PORT" || die "port $PORT is taken by another program; choose one: PORT=<port> deploy/up.sh"
  (exec_as_service_user setsid "$binary" "--target=$target") </dev/null >>"$log" 2>&1 &
  echo "$! $(start_ticks $!) $PORT $wanted" >"$pid_file"
  step "service: starting --target=$target as user $(service_user) (pid $!)"
  wait_until_ready
}

service_stop() {
  local deadline=$((SECONDS + stop_seconds))
  service_runs || {
    rm -f "$pid_file"
    return 0
  }
  kill -TERM "$service_pid"
  while service_runs; do
    if ((SECONDS >= deadline)); then
      echo "the service did not end within $stop_seconds s: killed" >&2
      last_log_lines
      kill -KILL "$service_pid"
      break
    fi
    sleep 0.1
  done
  rm -f "$pid_file"
}

# The key goes through a file descriptor: arguments are visible to everybody on the machine.
request() {
  curl -sS --max-time 300 -X "$1" -H @<(printf 'X-Service-Key: %s\n' "$MANA_SERVICE_KEY") "http://127.0.0.1:$PORT$2"
}

# On a terminal itself, elsewhere how to see it: output that is kept somewhere should not hold it.
demo_password() {
  if [[ -t 1 ]]; then echo "$DEMO_PASSWORD"; else echo "shown by: sed -n 's/^DEMO_PASSWORD=//p' $secrets"; fi
}

# -- commands -----------------------------------------------------------------------------------------------------

up() {
  step "packages"
  "$checkout/deploy/deps.sh"
  locate_state
  mkdir -p "$state"
  step "build (release; the first one takes some minutes)"
  "$checkout/deploy/build.sh" release mana-ai
  step "browser app"
  "$checkout/deploy/webapp.sh"
  step "database in $cluster"
  cluster_start "$cluster" '' no
  load_secrets
  RUNNER_PASSWORD=$RUNNER_PASSWORD MIGRATOR_PASSWORD=$MIGRATOR_PASSWORD SYNC_PASSWORD=$SYNC_PASSWORD \
    AUTH_PASSWORD=$AUTH_PASSWORD "$checkout/deploy/database.sh" "$(cluster_url "$cluster")" "$database" "$checkout/build/release/mana-ai"
  install_binary
  install_webapp
  make_keys
  choose_settings
  service_start
  demo
  step "ready"
  cat <<TEXT
health     http://127.0.0.1:$PORT/health
readiness  http://127.0.0.1:$PORT/ready
metrics    http://127.0.0.1:$PORT/metrics
missions   http://127.0.0.1:$PORT/internal/missions/$(demo_user)   (header X-Service-Key, see $secrets)
audit      http://127.0.0.1:$PORT/api/v1/me/ai-audit   (Bearer token of user "demo", password in $secrets)
sync       http://127.0.0.1:$PORT/sync/{app}, ws://127.0.0.1:$PORT/ws   (Bearer token of the user)
LLM        $MANA_LLM_URL$([[ $target != all ]] || echo '   (the stand-in: rules, no model)')
database   127.0.0.1:$(<"$cluster/port")/$database
log        $log

Open the app in a browser on this machine and sign in:

    $BASE_URL

    name      demo
    password  $(demo_password)
TEXT
}

down() {
  locate_state
  step "service: stopping"
  service_stop
  step "database: stopping"
  cluster_stop "$cluster" fast
}

status() {
  local rc=0
  locate_state
  if service_runs; then
    echo "service   pid $service_pid, http://127.0.0.1:$service_port, ready: $(
      curl -sS --max-time 2 "http://127.0.0.1:$service_port/ready" 2>&1
    )"
  else
    echo "service   stopped"
    rc=3
  fi
  printf 'database  '
  cluster_status "$cluster" || rc=3
  return "$rc"
}

case ${1:-start} in
  start) up ;;
  stop) down ;;
  status) status ;;
  *)
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac
