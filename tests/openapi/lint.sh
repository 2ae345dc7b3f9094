#!/usr/bin/env bash
# Lints the OpenAPI document, and tests what compares the service with it. Prints `ok <check>` or `FAIL <check>` for
# each; exit code 1 when one failed.
#
#   lint.sh
#
# The linter's packages are fetched once, into tests/openapi/node_modules; it asks nobody else.
# shellcheck disable=SC2016,SC2317 # JavaScript in single quotes; functions that check() calls
set -euo pipefail
cd "$(dirname "$0")"
node=../../deploy/node.sh
document=../../http/openapi/openapi.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

# shellcheck source-path=SCRIPTDIR source=packages.sh
source packages.sh

lint() { "$node" node node_modules/@redocly/cli/bin/cli.js lint --config redocly.yaml --format stylish "$1"; }

# A linter that finds nothing may be one that looks at nothing: each of these has to be found.
refuses() {
  "$node" node -e 'const [file, out, damage] = process.argv.slice(1);
    const doc = JSON.parse(require("fs").readFileSync(file));
    new Function("doc", damage)(doc);
    require("fs").writeFileSync(out, JSON.stringify(doc))' "$document" "$work/damaged.json" "$1"
  ! lint "$work/damaged.json" >"$work/out" 2>&1 || return 1
  grep -q "$2" "$work/out"
}
finds_damage() {
  refuses 'delete doc.paths["/ready"].get.description' operation-description &&
    refuses 'doc.paths["/ready"].get.operationId = "getHealth"' operation-operationId-unique &&
    refuses 'delete doc.paths["/internal/missions/{userId}"].get.parameters' path-parameters-defined &&
    refuses 'doc.components.responses.Late.content["application/json"].examples.refused.value.code = 7' examples &&
    refuses 'doc.components.schemas.Unused = {type: "string"}' no-unused-components &&
    refuses 'doc.paths["/ready"].get.responses["200"].$ref = "#/components/responses/Gone"' no-unresolved-refs &&
    refuses 'doc.paths["/ready"].get.security = [{nobody: []}]' security-defined
}

failed=0
check() { # <name> <command...>
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "ok $name"
  else
    cat "$work/log" >&2
    [[ ! -s $work/out ]] || tail -n 20 "$work/out" >&2
    echo "FAIL $name"
    failed=1
  fi
}

check openapi-packages install_openapi_packages
check openapi-lint lint "$document"
check openapi-lint-finds-damage finds_damage
check openapi-validator "$node" node --test document.test.mjs
exit "$failed"
