#!/usr/bin/env bash
# Makes what a new installation has to keep secret: a directory with one file per secret, for deploy/compose.yml and,
# by --print-kubernetes, for deploy/k8s. Files that exist already stay as they are.
#
#   secrets.sh DIR DATABASE [command that runs mana-ai...]
#       DATABASE is host:port/name as the service reaches it. Keys come from `mana-ai keygen`; without a command it is
#       run from build/release. With the image: docker run --rm --network=none --user "$(id -u)" -v DIR:DIR mana-ai:0.1.0
#   secrets.sh --print-kubernetes DIR NAMESPACE dev|prod [kubectl]
#       the Secrets of an overlay as YAML, for `| kubectl apply -f -`; dev: also those of its PostgreSQL
#
# LLM_API_KEY in the environment is taken over, else the key is `none`, which a stand-in ignores.
set -euo pipefail

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Everybody may read a file and only its owner may enter the directory: containers that get single files of it run
# under a number that owns nothing here.
write_once() { # <file>: its content comes from standard input, which is read in any case
  if [[ -s $dir/$1 ]]; then
    cat >/dev/null
  else
    cat >"$dir/$1.new"
    chmod 0444 "$dir/$1.new"
    mv "$dir/$1.new" "$dir/$1"
  fi
}

database_url() { # <role> <file of its password>
  printf 'postgresql://%s:%s@%s' "$1" "$(<"$dir/$2")" "$database"
}

make_secrets() {
  local name
  mkdir -p "$dir"
  chmod 0700 "$dir"
  for name in postgres-password runner-password auth-password migrator-password sync-password grafana-password service-key; do
    openssl rand -hex 24 | tr -d '\n' | write_once "$name"
  done
  database_url mana_ai_runner runner-password | write_once sync-database-url
  database_url mana_auth auth-password | write_once database-url
  database_url mana_sync sync-password | write_once sync-target-database-url
  database_url mana_ai_migrator migrator-password | write_once migration-database-url
  printf '%s' "${LLM_API_KEY:-none}" | write_once llm-api-key
  [[ -s $dir/mana-ai-private.pem ]] || "${mana_ai[@]}" keygen "--out=$dir" >/dev/null
  chmod 0444 "$dir"/*
}

# kubernetes_secret <name> <file...>
kubernetes_secret() {
  local name=$1 file from=()
  shift
  for file in "$@"; do from+=("--from-file=$file=$dir/$file"); done
  echo '---'
  "$kubectl" create secret generic "$name" "--namespace=$namespace" "${from[@]}" --dry-run=client --output=yaml
}

# The keys that open grants and vaults are Secrets of their own, so that a pod can be given one without the other.
print_kubernetes() {
  kubernetes_secret mana-ai-runner sync-database-url service-key llm-api-key audit-signing.pem
  kubernetes_secret mana-ai-runner-key mana-ai-private.pem
  kubernetes_secret mana-ai-auth database-url auth-signing.pem mana-ai-public.pem
  kubernetes_secret mana-ai-auth-kek mana-auth-kek.txt
  kubernetes_secret mana-ai-sync sync-target-database-url
  kubernetes_secret mana-ai-migration migration-database-url
  [[ $overlay == dev ]] || return 0
  kubernetes_secret mana-ai-postgres postgres-password runner-password auth-password migrator-password sync-password
}

case ${1:-} in
  --print-kubernetes)
    dir=${2:?directory}
    namespace=${3:?namespace}
    overlay=${4:?dev or prod}
    kubectl=${5:-kubectl}
    print_kubernetes
    ;;
  '' | -*)
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
  *)
    dir=$1
    database=${2:?host:port/name of the database}
    shift 2
    mana_ai=("$@")
    ((${#mana_ai[@]})) || mana_ai=("$(dirname "${BASH_SOURCE[0]}")/../build/release/mana-ai")
    [[ $database =~ ^[^/@[:space:]]+/[^/@[:space:]]+$ ]] || die "DATABASE must be host:port/name"
    make_secrets
    ;;
esac
