#!/usr/bin/env bash
# Checks that run no code of ours. Prints `ok <check>` or `FAIL <check>` for each; exit code 1 when one failed.
#
#   static_checks.sh [format|shell|leftovers|tidy]...   default: all
#
# tidy needs build/debug (its compile commands, generated headers and dependencies). What it found clean it remembers
# in MANA_TIDY_CACHE, default ~/.cache/mana-ai/tidy, by the content of the file, of our headers that it includes, and of
# the rules; so another checkout need not look at it again.
set -euo pipefail
cd "$(dirname "$0")/.."

# Tracked files and new ones that are not ignored; in a tree without git all but what is built.
files() {
  if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard -- "$@" |
      while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done
  else
    local pattern names=()
    for pattern in "$@"; do names+=(-o -name "$pattern"); done
    find . \( -path ./build -o -path ./var -o -name node_modules -o -path ./http/webapp/dist \) -prune -o -type f \( "${names[@]:1}" \) -print0
  fi
}

check_format() { files '*.cpp' '*.hpp' | xargs -0 -r clang-format --dry-run -Werror; }

check_shell() {
  local scripts=()
  mapfile -d '' -t scripts < <(files '*.sh' '.ci/run' 'run')
  shellcheck -x "${scripts[@]}"
}

check_leftovers() {
  # Spelled so that this line is none itself.
  ! files '*' | xargs -0 -r grep -nIE '\b(TO''DO|FIX''ME)\b'
}

# Our files that went into the object made of a source, from build/debug; nothing where it was not made.
# shellcheck disable=SC2317 # called through xargs
ingredients() {
  awk -v source="../../$1" '
    /^[^ ]/ { if (mine) exit; fresh = 1; next }
    fresh { mine = $1 == source; fresh = 0 }
    mine && NF && $1 !~ /^\// { print "build/debug/" $1 }' build/tidy.deps
}

# shellcheck disable=SC2317 # called through xargs
tidy_one() {
  local file=$1 stamp out included=()
  mapfile -t included < <(ingredients "$file")
  stamp=$MANA_TIDY_CACHE/$({
    echo "$MANA_TIDY_RULES"
    cat "${included[@]:-$file}"
    jq -c --arg file "$PWD/$file" '.[] | select(.file == $file) | .command' build/debug/compile_commands.json |
      sed "s|$PWD/||g"
  } | sha256sum | cut -d' ' -f1)
  if ((${#included[@]} > 0)) && [[ -e $stamp ]]; then
    touch "$stamp"
    return 0
  fi
  # Boost 1.74 does not know that clang 14 has standard coroutines; g++'s warning names are unknown to clang.
  if out=$(timeout 600 clang-tidy -p build/debug --quiet --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-DBOOST_ASIO_HAS_CO_AWAIT --extra-arg=-DBOOST_ASIO_HAS_STD_COROUTINE "$file" 2>&1); then
    touch "$stamp"
  else
    printf '%s\n%s\n' "$file" "$(grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated|^Suppressed|^Use -' <<<"$out" | head -n 60)"
    return 1
  fi
}

# Tests are left out: the macros of GoogleTest are not ours, and each such file costs as much as two others.
check_tidy() {
  [[ -f build/debug/compile_commands.json ]] || {
    echo "build/debug is missing: deploy/build.sh debug"
    return 1
  }
  export MANA_TIDY_CACHE=${MANA_TIDY_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mana-ai/tidy}
  mkdir -p "$MANA_TIDY_CACHE"
  find "$MANA_TIDY_CACHE" -type f -mtime +30 -delete
  MANA_TIDY_RULES=$({
    clang-tidy --version
    cat .clang-tidy tests/static_checks.sh
  } | sha256sum)
  export MANA_TIDY_RULES
  export -f tidy_one ingredients
  ninja -C build/debug -t deps >build/tidy.deps
  # shellcheck disable=SC2016 # expanded by the inner shell
  files '*.cpp' | grep -zvE '^(\./)?tests/' | sed -z 's|^\./||' | xargs -0 -r -n 1 -P "$(nproc)" bash -c 'tidy_one "$0"'
}

failed=0
checks=("$@")
((${#checks[@]})) || checks=(format shell leftovers tidy)
for check in "${checks[@]}"; do
  rc=0
  case $check in
    format) check_format || rc=1 ;;
    shell) check_shell || rc=1 ;;
    leftovers) check_leftovers || rc=1 ;;
    tidy) check_tidy || rc=1 ;;
    *) echo "unknown check" && rc=1 ;;
  esac
  if ((rc == 0)); then
    echo "ok $check"
  else
    echo "FAIL $check"
    failed=1
  fi
done
exit "$failed"
