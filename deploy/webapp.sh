#!/usr/bin/env bash
# Builds the browser app into http/webapp/dist, compressed variants included. Quick when nothing changed.
#
#   webapp.sh                           packages from the npm registry and the build
#   webapp.sh run <script> [option...]  one of the app's npm scripts (check, lint, test …), with its packages there
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

app=http/webapp
built=build/webapp.built # what dist was built from

# quietly <what> <command...>: its output only when it fails.
quietly() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || {
    tail -n 60 "$log" >&2
    rm -f "$log"
    echo "$what failed" >&2
    return 1
  }
  rm -f "$log"
}

in_app() { (cd "$app" && exec ../../deploy/node.sh "$@"); }

# No package runs code while it is installed.
install_packages() {
  local wanted installed=$app/node_modules/.installed
  wanted=$(cat "$app/package-lock.json" deploy/node/package-lock.json | sha256sum)
  [[ $(cat "$installed" 2>/dev/null) != "$wanted" ]] || return 0
  quietly "npm ci" in_app npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier || return 1
  echo "$wanted" >"$installed"
}

# All that may end up in dist: not the tests.
sources() {
  {
    find "$app" \( -name node_modules -o -path "$app/dist" -o -path "$app/tests" \) -prune -o -type f -print0
    printf '%s\0' messages/*.json deploy/node/package-lock.json deploy/precompress.mjs
  } | sort -z | xargs -0 sha256sum | sha256sum
}

build() {
  local wanted
  wanted=$(sources)
  [[ $(cat "$built" 2>/dev/null) != "$wanted" || ! -f $app/dist/index.html ]] || return 0
  rm -f "$built"
  quietly "npm run build" in_app npm run build || return 1
  quietly "compressing" deploy/node.sh node deploy/precompress.mjs "$app/dist" || return 1
  echo "$wanted" >"$built"
}

[[ -f $app/package.json ]] || {
  echo "there is no browser app in $app" >&2
  exit 1
}
mkdir -p build
exec 8>build/webapp.lock
flock 8
install_packages
case ${1:-} in
  '') build ;;
  run)
    exec 8>&-
    shift
    in_app npm run --silent "$@"
    ;;
  *)
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac
