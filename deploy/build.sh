#!/usr/bin/env bash
# Builds one preset: build.sh <release|debug|tsan|fuzz> [target...]; without targets everything. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?usage: build.sh <preset> [target...]}
shift

# A translation unit with CAF and Beast takes up to 1.5 GB; too many at once end in the OOM killer.
jobs() {
  local cores memory_gb by_memory
  cores=$(nproc)
  memory_gb=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  by_memory=$((memory_gb * 2 / 3))
  ((by_memory >= 1)) || by_memory=1
  echo $((cores < by_memory ? cores : by_memory))
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [[ ! -f build/$preset/build.ninja ]]; then
  cmake --preset "$preset" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
  }
fi
targets=()
(($# == 0)) || targets=(--target "$@")
cmake --build --preset "$preset" --parallel "$(jobs)" "${targets[@]}" >"$log" 2>&1 || {
  grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)' "$log" | head -n 60 >&2
  exit 1
}
