#!/usr/bin/env bash
# PgBouncer in transaction mode in front of a test's cluster, as operators put it there. Sourced, after
# deploy/cluster.sh; shared by tests/run.sh and the end-to-end scripts.

pgbouncer_bin=/usr/sbin/pgbouncer

# pooler_start <dir> <port of PostgreSQL> <login:password...>: sets pooler_port and pooler_pid. All databases of the
# server can be reached through it; the logins' passwords serve it on both sides.
pooler_start() {
  local dir=$1 server_port=$2 login try
  shift 2
  [[ -x $pgbouncer_bin ]] || die "pgbouncer is missing: run deploy/deps.sh tests"
  make_service_dir "$dir"
  for login in "$@"; do printf '"%s" "%s"\n' "${login%%:*}" "${login#*:}"; done >"$dir/users"
  for try in 1 2 3 4 5; do
    pooler_port=$(free_port)
    pooler_config "$dir" "$server_port" "$pooler_port" >"$dir/pgbouncer.ini"
    if ((EUID == 0)); then chown mana:mana "$dir/users" "$dir/pgbouncer.ini"; fi
    chmod 0600 "$dir/users"
    rm -f "$dir/pgbouncer.log"
    exec_as_service_user "$pgbouncer_bin" "$dir/pgbouncer.ini" </dev/null >"$dir/pgbouncer.out" 2>&1 &
    pooler_pid=$!
    pooler_answers "$dir" && return 0
    wait "$pooler_pid" 2>/dev/null || true
  done
  tail -n 20 "$dir/pgbouncer.out" "$dir/pgbouncer.log" >&2 || true
  die "pgbouncer does not start (port $pooler_port, try $try)"
}

pooler_config() { # <dir> <port of PostgreSQL> <own port>
  cat <<INI
[databases]
* = host=127.0.0.1 port=$2

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $3
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $1/users
pool_mode = transaction
max_client_conn = 500
default_pool_size = 20
# A database that a test dropped leaves its pool behind.
server_idle_timeout = 10
server_login_retry = 1
logfile = $1/pgbouncer.log
log_connections = 0
log_disconnections = 0
INI
}

# Up to five seconds; false when it ended, most likely because the port was taken meanwhile.
pooler_answers() {
  local deadline=$((SECONDS + 5))
  until grep -q 'process up' "$1/pgbouncer.log" "$1/pgbouncer.out" 2>/dev/null; do
    kill -0 "$pooler_pid" 2>/dev/null && ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

pooler_stop() {
  [[ -n ${pooler_pid:-} ]] || return 0
  kill -INT "$pooler_pid" 2>/dev/null || true
  wait "$pooler_pid" 2>/dev/null || true
  pooler_pid=''
}
