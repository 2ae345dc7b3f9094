#!/usr/bin/env bash
# Measures the runner on a PostgreSQL cluster of its own, with fsync and everything durable, against the LLM stand-in.
# Prints one JSON line per measurement, each beside a reference measured in the same run (report.py says what a line
# holds); progress goes to stderr. Takes about eight minutes on two idle cores; other load falsifies the numbers, so
# each line says how much of it there was.
#
#   run.sh [a b c d e f g h i j k l m n o p q r]...   only these; default: all
#   run.sh soak                                     half an hour at a steady rate (soak.py); SOAK_MINUTES, SOAK_RATE,
#                                                   SOAK_USERS
#
# The binary is MANA_AI_BINARY, default build/release/mana-ai, which is built first; (k) expects unwrap_bench beside
# it. MANA_KEEP=1 keeps the directory.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../deploy/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/cluster.sh"

for name in "$@"; do
  [[ $name == [a-r] || $name == soak ]] || die "usage: tests/bench/run.sh [a b c d e f g h i j k l m n o p q r soak]..."
done

binary=${MANA_AI_BINARY:-}
if [[ -z $binary ]]; then
  "$checkout/deploy/deps.sh" >&2
  "$checkout/deploy/build.sh" release mana-ai unwrap_bench >&2
  binary=$checkout/build/release/mana-ai
fi

# Thousands of runs in flight are as many connections.
ulimit -n "$(ulimit -Hn)"

work=$(mktemp -d "${TMPDIR:-/tmp}/mana-bench.XXXXXX")
chmod 0711 "$work" # the cluster's user passes through
measuring=''
finish() {
  local rc=$?
  set +e
  # It stops what it started.
  [[ -z $measuring ]] || { kill -TERM "$measuring" 2>/dev/null && wait "$measuring"; }
  cluster_stop "$work/postgres" immediate >/dev/null 2>&1
  if [[ -n ${MANA_KEEP:-} ]]; then echo "kept: $work" >&2; else rm -rf "$work"; fi
  return "$rc"
}
trap finish EXIT
trap 'exit 130' INT TERM

cluster_start "$work/postgres" '' no

# In the background and waited for: bash answers a signal during `wait`.
python3 -B "$checkout/tests/bench/main.py" --binary "$binary" --work "$work" \
  --superuser-url "$(cluster_url "$work/postgres")" "$@" &
measuring=$!
rc=0
wait "$measuring" || rc=$?
measuring=''
((rc == 0))
