#!/usr/bin/env bash
# A PostgreSQL 15 cluster of our own in one directory, for the demo and for tests. It listens on 127.0.0.1 only and
# runs as an unprivileged user: root uses the system user `mana` (created when missing), anybody else themselves.
#
#   cluster.sh start [dir] [--port N] [--fast]   starts it, after initdb when it is new; nothing to do when it runs
#   cluster.sh stop [dir] [--immediate]          --immediate: as after a crash, recovery follows at the next start
#   cluster.sh status [dir]                      exit code 0 when it runs, else 3
#   cluster.sh url [dir] [database]              URI of the superuser
#
# Without dir: `postgres` in the state directory (see state_dir below). --fast: no fsync, for tests; a cluster keeps
# its port from start to start as long as nobody else took it. Other scripts source this file for its functions.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Not from PATH: other versions, or wrappers of other installations, may come first there.
postgres_bin=/usr/lib/postgresql/15/bin

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

service_user() { if ((EUID == 0)); then echo mana; else id -un; fi; }

ensure_service_user() {
  ((EUID == 0)) || return 0
  getent passwd mana >/dev/null ||
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin mana
}

# Replaces the current (sub)shell by a command of the service user, so that $! of a background job is the command's
# own. From `/`: the caller's directory may be closed to that user. A foreign HOME would make libpq fail over
# certificates that it may not read.
exec_as_service_user() {
  cd /
  ((EUID == 0)) || exec "$@"
  HOME=/nonexistent exec setpriv --reuid=mana --regid=mana --clear-groups -- "$@"
}
as_service_user() { (exec_as_service_user "$@"); }

# A directory that the service user owns; its parents stay the caller's.
make_service_dir() {
  mkdir -p "$1"
  if ((EUID == 0)); then chown mana:mana "$1"; fi
  chmod "${2:-0700}" "$1"
}

# Whether the service user can have files below a directory: a checkout below /root is closed to it, and some
# mounted file systems know no owners.
usable_for_service_user() {
  local probe=$1/.probe.$$ usable=1
  if make_service_dir "$probe" && as_service_user touch "$probe/file"; then usable=0; fi 2>/dev/null
  rm -rf "$probe"
  return "$usable"
}

# Where everything that changes at run time lives: MANA_STATE_DIR, else var/ of the checkout when the service user
# can reach it, else a directory below /var/lib that belongs to this checkout.
state_dir() {
  local dir
  if [[ -n ${MANA_STATE_DIR:-} ]]; then
    mkdir -p "$MANA_STATE_DIR" && (cd "$MANA_STATE_DIR" && pwd -P)
    return
  fi
  ensure_service_user
  if usable_for_service_user "$checkout/var"; then
    echo "$checkout/var"
  else
    dir=/var/lib/mana-ai/$(printf '%s' "$checkout" | sha256sum | cut -c1-12)
    usable_for_service_user "$dir" || die "user $(service_user) can use neither $checkout/var nor $dir"
    echo "$dir"
  fi
}

# Like a server would bind it: connections that are still closing do not count.
port_is_free() {
  python3 -c '
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null
}

# Below the range that outgoing connections take their ports from, so that nobody takes the port of a cluster or
# service that is down for a moment.
free_port() {
  local port
  until
    port=$((20000 + RANDOM % 12000))
    port_is_free "$port"
  do :; done
  echo "$port"
}

cluster_runs() { as_service_user "$postgres_bin/pg_ctl" status -D "$1/data" >/dev/null 2>&1; }

cluster_init() {
  local dir=$1 fast=$2 sync=()
  [[ $fast == no ]] || sync=(--no-sync)
  openssl rand -hex 24 >"$dir/superuser.password"
  chmod 0600 "$dir/superuser.password"
  if ((EUID == 0)); then chown mana:mana "$dir/superuser.password"; fi
  # Renamed when complete: an interrupted initdb leaves nothing that looks like a cluster.
  rm -rf "$dir/data.new"
  as_service_user "$postgres_bin/initdb" -D "$dir/data.new" --username=postgres --pwfile="$dir/superuser.password" \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=scram-sha-256 --auth-host=scram-sha-256 --data-checksums \
    "${sync[@]}" >"$dir/initdb.log" 2>&1 || {
    tail -n 20 "$dir/initdb.log" >&2
    die "initdb failed in $dir"
  }
  echo "include = 'cluster.conf'" >>"$dir/data.new/postgresql.conf"
  mv "$dir/data.new" "$dir/data"
}

cluster_configure() {
  local dir=$1 port=$2 fast=$3 sockets=$1/socket
  # The path of a Unix socket holds 107 bytes; TCP alone will do when the directory is too deep.
  ((${#sockets} < 80)) || sockets=
  [[ -z $sockets ]] || make_service_dir "$sockets"
  {
    echo "# Written by deploy/cluster.sh at every start."
    echo "listen_addresses = '127.0.0.1'"
    echo "port = $port"
    echo "unix_socket_directories = '${sockets//\'/\'\'}'"
    echo "max_connections = 200"
    echo "log_line_prefix = '%m [%p] %u@%d %a '"
    echo "timezone = 'UTC'"
    # Commits stay synchronous: an immediate stop loses no commit, only a crash of the machine would.
    [[ $fast == no ]] || printf 'fsync = off\nfull_page_writes = off\nmax_wal_size = 256MB\n'
  } >"$dir/data/cluster.conf"
}

cluster_start() {
  local dir=$1 wanted_port=$2 fast=$3 port
  [[ -x $postgres_bin/postgres ]] || die "PostgreSQL 15 is missing: run deploy/deps.sh"
  ensure_service_user
  make_service_dir "$dir"
  as_service_user test -w "$dir" || die "user $(service_user) cannot reach $dir"
  [[ -d $dir/data ]] || cluster_init "$dir" "$fast"
  cluster_runs "$dir" && return 0
  for _ in 1 2 3 4 5; do
    port=${wanted_port:-$(cat "$dir/port" 2>/dev/null || free_port)}
    if port_is_free "$port"; then
      cluster_configure "$dir" "$port" "$fast"
      echo "$port" >"$dir/port"
      as_service_user "$postgres_bin/pg_ctl" start -s -w -t 120 -D "$dir/data" -l "$dir/postgres.log" && return 0
      grep -q 'Address already in use' <(tail -n 20 "$dir/postgres.log") || break
    fi
    [[ -z $wanted_port ]] || die "port $wanted_port is taken"
    rm -f "$dir/port"
  done
  tail -n 20 "$dir/postgres.log" >&2 || true
  die "PostgreSQL did not start in $dir"
}

cluster_stop() {
  local dir=$1 mode=$2
  cluster_runs "$dir" || return 0
  as_service_user "$postgres_bin/pg_ctl" stop -s -w -t 120 -m "$mode" -D "$dir/data"
}

cluster_status() {
  if cluster_runs "$1"; then
    echo "running on 127.0.0.1:$(<"$1/port")"
  else
    echo stopped
    return 3
  fi
}

cluster_url() {
  [[ -r $1/superuser.password && -r $1/port ]] || die "no cluster in $1"
  printf 'postgresql://postgres:%s@127.0.0.1:%s/%s\n' "$(<"$1/superuser.password")" "$(<"$1/port")" "${2:-postgres}"
}

# psql on a URI. The password goes through the environment: arguments are visible to everybody on the machine.
psql_on() {
  local url=$1 credentials rest
  shift
  rest=${url#postgresql://}
  credentials=${rest%%@*}
  PGPASSWORD=${credentials#*:} PGOPTIONS='-c client_min_messages=warning' \
    "$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 -d "postgresql://${credentials%%:*}@${rest#*@}" "$@"
}

cluster_usage() {
  sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

cluster_main() {
  local command=${1:-help} port='' fast=no mode=fast positional=()
  shift || true
  while (($#)); do
    case $1 in
      --port)
        port=${2:?--port needs a number}
        shift
        ;;
      --fast) fast=yes ;;
      --immediate) mode=immediate ;;
      -*) die "unknown option $1" ;;
      *) positional+=("$1") ;;
    esac
    shift
  done
  case $command in start | stop | status | url) ;; *)
    cluster_usage
    [[ $command == help || $command == --help ]]
    return
    ;;
  esac
  local dir=${positional[0]:-$(state_dir)/postgres}
  dir=$(realpath -m "$dir")
  case $command in
    start) cluster_start "$dir" "$port" "$fast" ;;
    stop) cluster_stop "$dir" "$mode" ;;
    status) cluster_status "$dir" ;;
    url) cluster_url "$dir" "${positional[1]:-}" ;;
  esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  cluster_main "$@"
fi
