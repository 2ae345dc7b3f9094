#!/usr/bin/env bash
# Everything that must hold before a change is accepted; CI runs exactly this. The last line is
# `N passed, M failed`: test cases of all levels, end-to-end scripts and static checks.
#
#   run.sh [--quick]   --quick: format, shell and left-over checks, the browser app and its tests, debug build, its
#                      tests; no clang-tidy, no release build, no end-to-end scripts, no browser, no TSan
#
# Outputs of the last run: build/test-results.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../deploy/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/cluster.sh"
# shellcheck source-path=SCRIPTDIR source=pooler.sh
source "$(dirname "${BASH_SOURCE[0]}")/pooler.sh"
cd "$checkout"

quick=no
case ${1:-} in
  '') ;;
  --quick) quick=yes ;;
  *) die "usage: tests/run.sh [--quick]" ;;
esac

passed=0
failed=0
failures=() # named once more at the end: who reads a log of all this may have it without its middle
results=$checkout/build/test-results
rm -rf "$results"
mkdir -p "$results"
work=$(mktemp -d "${TMPDIR:-/tmp}/mana-tests.XXXXXX")
chmod 0711 "$work" # the cluster's user passes through

# Where the databases of the PostgreSQL tests lie. In memory, where there is room: each test makes a database of its own,
# which is three hundred files, and drops it.
databases=$work
in_memory=/dev/shm
kilobytes_left() { df --output=avail -k "$1" | tail -n 1; }
memory_left=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
if [[ -w $in_memory ]] && (($(kilobytes_left "$in_memory") > 2000000 && memory_left > 6000000)); then
  databases=$(mktemp -d "$in_memory/mana-tests.XXXXXX")
  chmod 0711 "$databases"
fi

child=''
# Set for TSan: that of g++ 12 cannot place its shadow where a kernel with much address randomisation puts things.
without_aslr=()

# Output goes here even when a signal arrives while a child's is being redirected.
exec 3>&1
finish() {
  local rc=$?
  set +e
  exec >&3
  [[ -z $child ]] || { kill -TERM -- "-$child" 2>/dev/null && wait "$child" 2>/dev/null; }
  pooler_stop
  cluster_stop "$databases/postgres" immediate >/dev/null 2>&1
  rm -rf "$work" "$databases"
  if ((rc != 0 && failed == 0)); then failed=1; fi
  ((${#failures[@]} == 0)) || printf 'FAILED: %s\n' "${failures[@]}"
  echo "$passed passed, $failed failed"
  ((failed == 0 && passed > 0)) || exit 1
}
trap finish EXIT
trap 'exit 130' INT TERM

step() { printf '==> [%02d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

# In the background and waited for: bash answers a signal during `wait`, but not while a child runs in front. A
# process group of its own, so that all of it can be stopped.
run_child() {
  local rc=0
  setsid "$@" 3>&- &
  child=$!
  wait "$child" || rc=$?
  child=''
  return "$rc"
}

count_one() { # <rc> <name>
  if (($1 == 0)); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$2")
    echo "FAILED: $2"
  fi
}

count_many() { # <passed> <failed> <name>
  passed=$((passed + $1))
  failed=$((failed + $2))
  (($2 == 0)) || failures+=("$3: $2")
}

# checks <name of the run> <command...>: the command prints a line for each of its checks, `ok <check>` or
# `FAIL <check>`, and what there is to say about one that failed.
checks() {
  local name=$1 line any=no rc=0
  shift
  run_child "$@" >"$results/$name.log" 2>&1 || rc=$?
  while read -r line; do
    case $line in
      'ok '*) any=yes && count_one 0 "$line" ;;
      'FAIL '*) any=yes && count_one 1 "$name: ${line#FAIL }" ;;
    esac
  done <"$results/$name.log"
  if [[ $any == no ]] || ((rc != 0)) && ! grep -q '^FAIL ' "$results/$name.log"; then count_one 1 "$name ended with code $rc"; fi
  ((rc == 0)) || grep -vE '^ok ' "$results/$name.log" | head -n 80 || true
}

static_checks() { checks "static-$1" tests/static_checks.sh "$@"; } # <check...>

# The operator's side: what is deployed is judged by the tools that will read it.
operations() {
  local script name
  for script in tests/deploy/*_test.py; do python_tests "operations-$(basename "$script" .py)" "$script"; done
  for script in tests/openapi/lint.sh tests/deploy/*.sh; do
    [[ -x $script ]] || continue
    name=$(basename "$script" .sh)
    step "operations: $name"
    checks "operations-$name" timeout --kill-after=30 600 "$script"
  done
}

build() { # <preset> [target...]
  step "build $*"
  local rc=0
  run_child deploy/build.sh "$@" || rc=$?
  ((rc == 0)) || count_one "$rc" "build $1"
  return "$rc"
}

# The levels of these that have sources: an executable may be left over from before.
levels() {
  local level
  for level in "$@"; do
    [[ -z $(find "tests/$level" -name '*.cpp' -print -quit 2>/dev/null) ]] || echo "$level"
  done
}

# gtest <name of the run> <executable> [NAME=value...]: the variables are the executable's alone.
gtest() {
  local name=$1 executable=$2 json=$results/$1.json log=$results/$1.log rc=0 ran bad
  shift 2
  step "$name: ${executable##*/}"
  run_child timeout 900 "${without_aslr[@]}" env "$@" "$executable" --gtest_output="json:$json" --gtest_brief=1 \
    >"$log" 2>&1 || rc=$?
  if [[ ! -s $json ]]; then
    count_one 1 "$name ended with code $rc before its report was written"
    tail -n 60 "$log"
    return 0
  fi
  ran=$(jq '[.testsuites[].testsuite[] | select(.status == "RUN" and .result == "COMPLETED")] | length' "$json")
  bad=$(jq '[.testsuites[].testsuite[] | select(.failures)] | length' "$json")
  count_many $((ran - bad)) "$bad" "$name"
  # A leak or a race that a sanitizer reports at the end fails no test case, only the process.
  if ((rc != 0 && bad == 0)); then count_one "$rc" "$name: exit code $rc"; fi
  jq -r '.testsuites[].testsuite[] | select(.result == "SKIPPED") | "skipped: \(.classname).\(.name)"' "$json"
  if ((rc != 0)); then head -n 200 "$log"; fi
}

# app_script <npm script> [option...]: one of the app's own checks.
app_script() {
  local rc=0
  run_child timeout 300 deploy/webapp.sh run "$@" >"$results/webapp-$1.log" 2>&1 || rc=$?
  ((rc == 0)) || tail -n 60 "$results/webapp-$1.log"
  return "$rc"
}

first_load_limit=200 # kB, compressed

webapp() {
  local script rc=0 json=$results/webapp-test.json
  [[ -f http/webapp/package.json ]] || return 0
  step "browser app: packages, build"
  run_child deploy/webapp.sh >"$results/webapp-build.log" 2>&1 || rc=$?
  count_one "$rc" "build of the browser app"
  ((rc == 0)) || {
    tail -n 60 "$results/webapp-build.log"
    return 0
  }
  for script in lint check; do
    step "browser app: $script"
    rc=0
    app_script "$script" || rc=$?
    count_one "$rc" "browser app: $script"
  done
  step "browser app: unit tests"
  rc=0
  app_script test -- --reporter=default --reporter=json "--outputFile.json=$json" || rc=$?
  if [[ -s $json ]]; then
    count_many "$(jq .numPassedTests "$json")" "$(jq .numFailedTests "$json")" "browser app: unit tests"
  fi
  # A file of tests that does not load fails no test case.
  if ((rc != 0)) && [[ ! -s $json || $(jq .numFailedTests "$json") == 0 ]]; then count_one "$rc" "browser app: unit tests"; fi
  step "browser app: first load"
  rc=0
  run_child deploy/node.sh node tests/webapp/first_load.mjs http/webapp/dist "$first_load_limit" || rc=$?
  count_one "$rc" "browser app: first load within $first_load_limit kB"
}

# The app in Debian's Chromium, against the real binary and a database of its own. The runner's summary has a line
# `pass N` and one `fail N`.
browser() {
  local rc=0 log=$results/browser.log ran bad
  [[ -f tests/browser/package.json ]] || return 0
  step "browser"
  run_child timeout --kill-after=30 1800 tests/browser/run.sh >"$log" 2>&1 || rc=$?
  ran=$(sed -nE 's/^(#|ℹ) pass ([0-9]+)$/\2/p' "$log" | tail -n 1)
  bad=$(sed -nE 's/^(#|ℹ) fail ([0-9]+)$/\2/p' "$log" | tail -n 1)
  count_many "${ran:-0}" "${bad:-0}" browser
  if ((rc != 0 && ${bad:-0} == 0)); then count_one "$rc" "browser: exit code $rc"; fi
  ((rc == 0)) || tail -n 120 "$log"
}

tests_in_debug() {
  build debug || return 0
  start_test_cluster
  local level
  for level in $(levels unit fuzz actors simulation net postgres); do gtest "debug-$level" "build/debug/${level}_tests"; done
  postgres_behind_a_pooler
  postgres_with_skewed_clock
  postgres_partitioned
  cluster_stop "$databases/postgres" fast
  rm -rf "$databases/postgres"
}

# All that the services do in the database, through PgBouncer in transaction mode.
postgres_behind_a_pooler() {
  pooler_start "$work/pooler" "$(<"$databases/postgres/port")" mana_ai_runner:runner-test mana_auth:auth-test \
    mana_ai_migrator:migrator-test mana_sync:sync-test 3>&-
  gtest postgres-pgbouncer build/debug/postgres_tests "MANA_TEST_POOLER=127.0.0.1:$pooler_port"
  pooler_stop
}

# With the tables of the runs partitioned by user.
postgres_partitioned() { gtest postgres-partitioned build/debug/postgres_tests MANA_TEST_PARTITIONED=1; }

# A replica whose clock is ten minutes ahead of the database's. ASan insists on being loaded first.
postgres_with_skewed_clock() {
  local asan
  asan=$(ldd build/debug/postgres_tests | awk '/libasan/ { print $3 }')
  gtest postgres-skewed build/debug/postgres_tests FAKETIME=+10m FAKETIME_DONT_FAKE_MONOTONIC=1 \
    "LD_PRELOAD=$asan /usr/lib/$(uname -m)-linux-gnu/faketime/libfaketimeMT.so.1"
}

start_test_cluster() {
  cluster_start "$databases/postgres" '' yes 3>&-
  MANA_TEST_SUPERUSER_URL=$(cluster_url "$databases/postgres")
  export MANA_TEST_SUPERUSER_URL
}

# Its own tests first: what the scripts below find out is only worth something if the client is right.
client_selftest() {
  local log=$results/e2e-client.log ran
  step "the independent client: test vectors"
  run_child node tests/e2e/browser/selftest.mjs >"$log" 2>&1 || true
  ran=$(tail -n 1 "$log")
  if [[ $ran =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    count_many "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "the client's self test"
    grep '^FAIL' "$log" || true
  else
    count_one 1 "the client's self test ended before its report"
    tail -n 20 "$log"
  fi
}

end_to_end() {
  local script name rc
  client_selftest
  for script in tests/e2e/*.sh; do
    name=$(basename "$script" .sh)
    [[ $name != harness* ]] || continue
    step "end to end: $name"
    rc=0
    run_child timeout --kill-after=30 420 "$script" >"$results/e2e-$name.log" 2>&1 || rc=$?
    count_one "$rc" "end to end: $name"
    if ((rc != 0)); then
      tail -n 60 "$results/e2e-$name.log"
      failures+=("$(grep -m 1 "^$name: " "$results/e2e-$name.log" || echo "$name: exit code $rc")")
    fi
  done
}

# python_tests <name of the run> <file of unittest>
python_tests() {
  local log=$results/$1.log rc=0
  step "$1"
  run_child timeout 120 python3 -B -W ignore::ResourceWarning "$2" >"$log" 2>&1 || rc=$?
  if ((rc == 0)); then
    passed=$((passed + $(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log")))
  else
    count_one "$rc" "$1"
    tail -n 60 "$log"
  fi
}

# The tests of its parts first: the ledger is only worth something if it finds what was planted.
chaos() {
  local test rc
  for test in tests/chaos/*_test.py; do python_tests "chaos-$(basename "$test" .py)" "$test"; done
  step "chaos, short form"
  rc=0
  run_child timeout --kill-after=30 420 tests/chaos/run.sh --short >"$results/chaos.log" 2>&1 || rc=$?
  count_one "$rc" "chaos, short form"
  cat "$results/chaos.log"
}

tests_in_tsan() {
  local level tsan_levels
  mapfile -t tsan_levels < <(levels actors net)
  ((${#tsan_levels[@]})) || return 0
  build tsan "${tsan_levels[@]/%/_tests}" || return 0
  if setarch -R true 2>/dev/null; then without_aslr=(setarch -R); fi
  for level in "${tsan_levels[@]}"; do gtest "tsan-$level" "build/tsan/${level}_tests"; done
}

# Leaks are found in spite of CAF: its actor systems free all they took when they end.
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:check_initialization_order=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=suppressions=$checkout/tests/tsan.supp:second_deadlock_stack=1

step "packages"
run_child deploy/deps.sh tests
step "static checks"
static_checks format shell leftovers
webapp
tests_in_debug
if [[ $quick == no ]]; then
  if [[ -f build/debug/compile_commands.json ]]; then
    step "clang-tidy"
    static_checks tidy
  fi
  if build release mana-ai; then
    if build uncleansed mana-ai; then end_to_end; fi
    browser
    chaos
    operations
  fi
  tests_in_tsan
fi
step "done"
