#!/usr/bin/env bash
# The npm packages of tests/openapi, as the lock file has them; scripts source this.

install_openapi_packages() {
  local here stamp
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  stamp=$here/node_modules/.package-lock.json
  [[ $stamp -nt $here/package-lock.json ]] ||
    (cd "$here" && ../../deploy/node.sh npm ci --ignore-scripts --no-audit --no-fund)
}
