#!/usr/bin/env bash
# Runs the fuzz targets: run.sh [seconds] [target...]. Default: 600 seconds each, all targets, as many at once as there
# are cores. The last lines say `ok <target>` or `FINDING <target>`; exit code 1 when one found something.
#
# What was found: build/fuzz/findings. Inputs that reach new code stay in build/fuzz/corpus for the next run; one that
# shows a defect goes to tests/fuzz/corpus/<target> when the defect is repaired.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
  echo "usage: tests/fuzz/run.sh [seconds] [target...]" >&2
  exit 2
}

seconds=600
if (($# > 0)) && [[ $1 =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
all=()
for source in tests/fuzz/*.cpp; do all+=("$(basename "$source" .cpp)"); done
targets=("$@")
((${#targets[@]})) || targets=("${all[@]}")
for target in "${targets[@]}"; do [[ -f tests/fuzz/$target.cpp ]] || usage; done

deploy/deps.sh fuzz
deploy/build.sh fuzz "${targets[@]/#/fuzz_}"
mkdir -p build/fuzz/findings

# Older runtimes of ASan cannot place their shadow where a kernel with much address randomisation puts things.
without_aslr=()
if setarch -R true 2>/dev/null; then without_aslr=(setarch -R); fi

fuzz() { # <target>
  local target=$1 log=build/fuzz/$1.log options=()
  mkdir -p "build/fuzz/corpus/$target"
  [[ ! -f tests/fuzz/$target.dict ]] || options+=("-dict=tests/fuzz/$target.dict")
  if "${without_aslr[@]}" "build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=16384 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target-" "${options[@]}" \
    "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    echo "ok $target: $(awk '/number_of_executed_units/ { print $2 }' "$log") runs"
  else
    echo "FINDING $target: $log"
    grep -m 20 -E 'ERROR|SUMMARY|Test unit written' "$log" || tail -n 5 "$log"
    return 1
  fi
}

failed=0
running=0
for target in "${targets[@]}"; do
  if ((running == $(nproc))); then
    wait -n || failed=1
    running=$((running - 1))
  fi
  fuzz "$target" &
  running=$((running + 1))
done
while ((running > 0)); do
  wait -n || failed=1
  running=$((running - 1))
done
exit "$failed"
