#!/usr/bin/env bash
# Runs a command with the Node.js and npm that build and test the browser app.
#
#   node.sh <command...>
#
# Its tools need a newer Node.js than Debian 12 has. Versions and checksums are pinned in deploy/node/package-lock.json;
# Debian's npm fetches both from the npm registry, once, into build/node.
set -euo pipefail

(($#)) || {
  sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"
  exit 2
}
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$checkout/build/node
wanted=$(sha256sum <"$checkout/deploy/node/package-lock.json")

is_installed() { [[ $(cat "$home/installed" 2>/dev/null) == "$wanted" ]]; }

# Debian's npm complains about the age of its own Node.js on the way; what counts is that the new one answers.
install_node() {
  local log
  rm -rf "$home"
  mkdir -p "$home/bin"
  cp "$checkout"/deploy/node/package{,-lock}.json "$home"
  log=$(mktemp)
  echo "installing Node.js and npm for the browser app into $home" >&2
  if ! (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "npm ci failed; its whole output: $log" >&2
    return 1
  fi
  rm -f "$log"
  (cd "$home/bin" && ln -s ../node_modules/node-linux-*/bin/node node)
  ln -s ../node_modules/npm/bin/npm-cli.js "$home/bin/npm"
  ln -s ../node_modules/npm/bin/npx-cli.js "$home/bin/npx"
  "$home/bin/node" --version >/dev/null || return 1
  echo "$wanted" >"$home/installed"
}

if ! is_installed; then
  mkdir -p "$checkout/build"
  exec 9>"$checkout/build/node.lock"
  flock 9
  is_installed || install_node
  exec 9>&-
fi
export PATH=$home/bin:$PATH
exec "$@"
