#!/usr/bin/env bash
# What the scripts about Prometheus share on top of tests/e2e/harness_sync.sh: Prometheus and the blackbox exporter
# of Debian with the configuration of deploy/prometheus, and screenshots. Everything ends with the script.
# shellcheck disable=SC2034 # variables that the scripts read
# shellcheck source-path=SCRIPTDIR/../e2e source=harness_sync.sh
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/harness_sync.sh"

for program in prometheus prometheus-blackbox-exporter chromium; do
  command -v "$program" >/dev/null || fail "$program is missing: run deploy/deps.sh tests"
done

# addresses <name...>: of processes, as a list of a targets file.
addresses() {
  local name out=()
  for name in "$@"; do out+=("'127.0.0.1:${process_port[$name]}'"); done
  (
    IFS=,
    echo "${out[*]}"
  )
}

# set_targets <target> <name...>: the processes that serve it; none: nothing of it is scraped.
set_targets() { sed -i "s/^- targets: .*/- targets: [$(addresses "${@:2}")]/" "$work/prometheus/targets/$1.yml"; }

# The configuration that operators get, with short intervals and the ports of this script. Alerts go to an Alertmanager
# only where the script has a port for one.
configure_prometheus() {
  local alerting='/^alerting:/,/^$/d'
  [[ -z ${process_port[alertmanager]:-} ]] || alerting="s/127\.0\.0\.1:9093/127.0.0.1:${process_port[alertmanager]}/"
  cp -R "$checkout/deploy/prometheus" "$work/prometheus"
  process_port[prometheus]=$(free_port)
  process_port[blackbox]=$(free_port)
  sed -i -E -e "s/^( *)(scrape|evaluation)_interval: .*/\1\2_interval: 1s/" \
    -e "s/127\.0\.0\.1:9090/127.0.0.1:${process_port[prometheus]}/" \
    -e "s/127\.0\.0\.1:9115/127.0.0.1:${process_port[blackbox]}/" \
    -e "$alerting" "$work/prometheus/prometheus.yml"
  expect "prometheus.yml asks every second" grep -q 'interval: 1s' "$work/prometheus/prometheus.yml"
  expect "prometheus.yml knows the exporter" grep -q ":${process_port[blackbox]}" "$work/prometheus/prometheus.yml"
}

start_blackbox() {
  prometheus-blackbox-exporter --config.file="$work/prometheus/blackbox.yml" --log.level=warn \
    --web.listen-address="127.0.0.1:${process_port[blackbox]}" >>"$work/blackbox.log" 2>&1 &
  process_pid[blackbox]=$!
  wait_for 20 "the blackbox exporter answers" answers blackbox /metrics
}

# Sets prometheus_url.
start_prometheus() {
  prometheus_url=http://127.0.0.1:${process_port[prometheus]}
  prometheus --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/prometheus/data" \
    --web.listen-address="127.0.0.1:${process_port[prometheus]}" --log.level=warn >>"$work/prometheus.log" 2>&1 &
  process_pid[prometheus]=$!
  wait_for 20 "Prometheus is ready" answers prometheus /-/ready
}

# prometheus_value <expression>: the first value, nothing without one.
prometheus_value() {
  curl -sS --max-time 10 --data-urlencode "query=$1" "$prometheus_url/api/v1/query" |
    jq -r '.data.result[0].value[1] // ""'
}
prometheus_says() { [[ $(prometheus_value "$1") == "$2" ]]; }

# screenshot <file> <url> [chromium option...]
screenshot() {
  timeout 60 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/chromium" \
    --window-size=1400,900 --virtual-time-budget=10000 "${@:3}" --screenshot="$1" "$2" >>"$work/chromium.log" 2>&1
  expect "a picture in $1" test -s "$1"
}
