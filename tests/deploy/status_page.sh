#!/usr/bin/env bash
# The status page with real probes: up while the service lives, down when it was killed, unknown when Prometheus is
# gone, and up again. `--screenshots DIR` keeps pictures of the page in all three states, in light and dark.
# shellcheck source-path=SCRIPTDIR source=harness_prometheus.sh
source "$(dirname "$0")/harness_prometheus.sh"

case ${1:-} in
  '') pictures='' ;;
  --screenshots) pictures=$(realpath -m "${2:?--screenshots needs a directory}") && mkdir -p "$pictures" ;;
  *) fail "usage: status_page.sh [--screenshots DIR]" ;;
esac

site=$work/site
make_page() {
  python3 -B "$checkout/deploy/status/status_page.py" --prometheus "$prometheus_url" --out "$site" --stale 30
}
# What the page says of the runner.
runner() {
  jq -r --arg field "$1" '.groups[] | select(.name == "Internal") | .services[] | select(.name == "Mana AI Runner") |
    .[$field]' "$site/status.json"
}
page_says() {
  make_page
  [[ $(runner status) == "$1" ]]
}
picture() {
  [[ -n $pictures ]] || return 0
  screenshot "$pictures/status-$1.png" "file://$site/index.html" --window-size=800,700
  screenshot "$pictures/status-$1-dark.png" "file://$site/index.html" --window-size=800,700 --force-dark-mode \
    --blink-settings=preferredColorScheme=0
}

start_database
start_standin
start_runner runner
wait_for 30 "the runner is ready" is_ready runner
configure_prometheus
set_targets runner runner
for target in auth sync web public; do set_targets "$target"; done
start_blackbox
start_prometheus

wait_for 30 "the page says up" page_says up
expect "its word is in the page" grep -q '<h3>Mana AI Runner</h3><span class="status up">' "$site/index.html"
expect "the probe took some time" jq -e '.groups[0].services[0] | .durationSeconds > 0 and .ageSeconds < 30' \
  "$site/status.json" >/dev/null
wait_for 30 "there is a bar" jq -e '.groups[0].services[0].availability24h > 0' "$site/status.json" >/dev/null
equals "$(jq -r .overall "$site/status.json")" up "the whole"
picture up

stop_process runner KILL
wait_for 30 "the page says down" page_says down
expect "its word is in the page" grep -q '<span class="status down">' "$site/index.html"
expect "the day was not all good" jq -e '.groups[0].services[0].availability24h < 1' "$site/status.json" >/dev/null
picture down

start_runner runner
wait_for 30 "the page says up again" page_says up

stop_process prometheus
make_page
equals "$(runner status)" unknown "without Prometheus"
equals "$(jq -r '"\(.overall) \(.source.ok)"' "$site/status.json")" 'unknown false' "the whole without Prometheus"
expect "what is known of before is told" grep -q 'Last check said up: ' "$site/index.html"
expect "it has an age" test "$(runner ageSeconds)" -ge 0
expect "nothing claims that all is well" test -z \
  "$(grep -E 'All services are up|class="status up"' "$site/index.html" || true)"
picture unknown

start_prometheus
wait_for 30 "the page says up with Prometheus back" page_says up
