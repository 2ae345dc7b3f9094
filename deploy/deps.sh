#!/usr/bin/env bash
# Installs what building, testing and running need, from Debian 12's own archive. Touches apt only when something
# is missing; needs root or sudo only then.
#
#   deps.sh [tests|fuzz]   tests, fuzz: also what tests/run.sh or tests/fuzz/run.sh needs
set -euo pipefail

packages=(
  build-essential cmake ninja-build ccache mold pkg-config clang clang-format clang-tidy
  libcaf-dev libboost-dev libpqxx-dev libssl-dev libsimdjson-dev rapidjson-dev prometheus-cpp-dev
  libhowardhinnant-date-dev libgtest-dev libgmock-dev
  postgresql-15 postgresql-client-15 nodejs
  curl jq openssl python3 tzdata ca-certificates util-linux procps git shellcheck faketime
)
case ${1:-} in
  '') ;;
  tests) packages+=(pgbouncer faketime chromium prometheus prometheus-alertmanager prometheus-blackbox-exporter) ;;
  fuzz) packages+=(clang-14 libclang-rt-14-dev) ;;
  *) echo "usage: deploy/deps.sh [tests|fuzz]" >&2 && exit 2 ;;
esac

# Node.js from elsewhere brings its own npm, which excludes Debian's.
command -v npm >/dev/null || packages+=(npm)

installed() { [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    printf 'missing packages: %s\nInstall them as root, or install sudo.\n' "${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi

apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 -qq "$@"
}

# Mirrors and networks fail for a moment now and then; the third failure is a real one.
three_times() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    ((try == 3)) || sleep $((try * 5))
  done
  return 1
}

# The archive's lists are fetched only when those on this machine do not lead to every package.
install_missing() {
  if apt_get --simulate install --no-install-recommends "${missing[@]}" >/dev/null 2>&1 &&
    apt_get install -y --no-install-recommends "${missing[@]}"; then
    return 0
  fi
  apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"
}

# Settings for the time of the installation only, so that packages installed later behave as Debian documents it.
taken_back=()
trap '((${#taken_back[@]} == 0)) || "${as_root[@]}" rm -f "${taken_back[@]}"' EXIT

# Debian starts a cluster of its own with the first server package; this project brings its own.
no_cluster=/etc/postgresql-common/createcluster.d/mana-ai.conf
if ! installed postgresql-15; then
  "${as_root[@]}" mkdir -p "${no_cluster%/*}"
  taken_back+=("$no_cluster")
  echo 'create_main_cluster = false' | "${as_root[@]}" tee "$no_cluster" >/dev/null
fi

# The same goes for what tests start by themselves: it must neither start now nor with the machine.
no_start=/usr/sbin/policy-rc.d
not_started=()
for package in "${missing[@]}"; do
  case $package in
    pgbouncer | prometheus | prometheus-alertmanager | prometheus-blackbox-exporter) not_started+=("$package.service") ;;
  esac
done
if ((${#not_started[@]})) && [[ ! -e $no_start ]]; then
  taken_back+=("$no_start")
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$no_start" >/dev/null
  "${as_root[@]}" chmod 0755 "$no_start"
fi

printf 'installing: %s\n' "${missing[*]}"
log=$(mktemp)
if ! three_times install_missing >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "apt-get failed; its whole output: $log" >&2
  exit 1
fi
rm -f "$log"
((${#not_started[@]} == 0)) || "${as_root[@]}" env DPKG_MAINTSCRIPT_PACKAGE=mana-ai deb-systemd-helper disable "${not_started[@]}" >/dev/null
