#!/usr/bin/env bash
# The manifests in deploy/k8s without a cluster: kustomize builds both overlays, every object has to match a strict
# schema and the rules of kubernetes/policy.mjs, each rule has to find what is planted for it, and the program has to
# accept the settings of its pods. Prints `ok <check>` or `FAIL <check>` for each; exit code 1 when one failed.
#
# Needs build/release/mana-ai, or MANA_AI_BINARY.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"
checkout=$(cd "$deploy_tests/../.." && pwd)
binary=${MANA_AI_BINARY:-$checkout/build/release/mana-ai}
work=$(mktemp -d "${TMPDIR:-/tmp}/mana-kubernetes.XXXXXX")
trap 'rm -rf "$work"' EXIT

die() {
  printf 'FAIL kubernetes: %s\n' "$*"
  exit 1
}

[[ -x $binary ]] || die "$binary is missing: deploy/build.sh release mana-ai"
install_packages "$work/npm.log" || {
  tail -n 30 "$work/npm.log"
  die "the packages could not be installed"
}
export KUBECONFIG=/dev/null HOME=$work
"$kubectl" version --client >/dev/null || die "kubectl does not run here"
"$checkout/deploy/node.sh" node "$deploy_tests/kubernetes/check.mjs" "$packages" "$kubectl" "$work" "$binary"
