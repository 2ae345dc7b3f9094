#!/usr/bin/env bash
# Alerts on their way to people: Prometheus, the blackbox exporter and Alertmanager of Debian with the configuration of
# deploy/prometheus, a runner and a sync service that they watch, and a webhook in the place of the receivers. A killed
# runner and a database that is away are what fires; what arrives is read where an operator would get it.
# Prints `ok <check>` or `FAIL <check>` for each; exit code 1 when one failed.
#
# Changed for the test are addresses, the URL of the runbooks, the two intervals of Prometheus, and the length of a
# minute: where rules wait for minutes (`for: 5m`), and where Alertmanager does, each is five seconds. Seconds and hours
# stay.
# shellcheck source-path=SCRIPTDIR source=harness_prometheus.sh
source "$(dirname "$0")/harness_prometheus.sh"
[[ -x $(command -v prometheus-alertmanager) ]] || fail "prometheus-alertmanager is missing: run deploy/deps.sh tests"

notifications=$work/notifications.jsonl
alertmanager_url=''
runbooks_url=https://pages.test/runbooks

check() { # <check> <command...>
  expect "$@"
  echo "ok $1"
}

start_webhook() {
  : >"$notifications"
  python3 -B "$checkout/tests/deploy/webhook.py" --keep "$notifications" >"$work/webhook.port" 2>"$work/webhook.log" &
  process_pid[webhook]=$!
  wait_for 10 "the webhook listens" test -s "$work/webhook.port"
}

shorten_minutes() { # <file...>
  local file
  for file in "$@"; do
    awk '/^ *(for|group_wait|group_interval): [0-9]+m$/ { sub(/[0-9]+m$/, 5 * $2 "s") } 1' "$file" >"$work/shortened"
    cp "$work/shortened" "$file"
  done
}

configure_alertmanager() {
  local file=$work/prometheus/alertmanager.yml
  sed -i "s/127\.0\.0\.1:9095/127.0.0.1:$(<"$work/webhook.port")/" "$file"
  shorten_minutes "$file" "$work/prometheus/rules/alerts.yml"
  # As an operator does.
  sed -i "s|^\( *url:\) .*|\1 $runbooks_url|" "$work/prometheus/rules/runbooks.yml"
  equals "$(grep -c ":$(<"$work/webhook.port")/" "$file")" 2 "receivers that are the webhook"
}

start_alertmanager() {
  alertmanager_url=http://127.0.0.1:${process_port[alertmanager]}
  prometheus-alertmanager --config.file="$work/prometheus/alertmanager.yml" --storage.path="$work/alertmanager" \
    --cluster.listen-address= --web.listen-address="127.0.0.1:${process_port[alertmanager]}" --log.level=warn \
    >>"$work/alertmanager.log" 2>&1 &
  process_pid[alertmanager]=$!
  wait_for 20 "Alertmanager is ready" answers alertmanager /-/ready
}

# -- what is known of alerts ----------------------------------------------------------------------------------------

# received <receiver> <alert> <status>: instances whose alert arrived there so, a line each; sent again or not.
received() {
  jq -r --arg path "/$1" --arg alert "$2" --arg status "$3" 'select(.path == $path) | .notification.alerts[] |
    select(.labels.alertname == $alert and .status == $status) | .labels.instance' "$notifications" | sort -u
}
has_received() { [[ $(received "$1" "$2" "$3" | paste -sd' ') == "$4" ]]; }
# At all receivers: what arrived of an alert, oldest first, with the notification's own fields.
arrived() {
  jq -c --arg alert "$1" '{at, path} + .notification | select(.groupLabels.alertname == $alert)' "$notifications"
}
# first <alert> <jq>: of its first notification.
first() { arrived "$1" | head -n 1 | jq -r "$2"; }
# nowhere_but <receiver> <alert>
nowhere_but() { [[ -z $(arrived "$2" | jq -r --arg path "/$1" 'select(.path != $path)') ]]; }

fires() { prometheus_says "count(ALERTS{alertname=\"$1\",alertstate=\"firing\"})" "$2"; }
has_alerts() {
  curl -sS --max-time 10 "$prometheus_url/api/v1/rules?type=alert" |
    jq -e '[.data.groups[].rules[] | select(.health == "ok")] | length > 10' >/dev/null
}
nothing_fires() { [[ -z $(prometheus_value 'count(ALERTS{alertstate="firing"})') ]]; }
# inhibited <alert>: targets of those that Alertmanager holds back because of another alert.
inhibited() {
  curl -sS --max-time 10 "$alertmanager_url/api/v2/alerts" |
    jq -r --arg alert "$1" '[.[] | select(.labels.alertname == $alert and (.status.inhibitedBy | length > 0)) |
      .labels.target] | sort | join(" ")'
}
is_inhibited() { [[ $(inhibited "$1") == "$2" ]]; }

# -- what is watched ------------------------------------------------------------------------------------------------

make_keys
start_database
start_standin
start_runner runner
start_sync sync
for name in runner sync; do wait_for 60 "$name is ready" is_ready "$name"; done

process_port[alertmanager]=$(free_port)
configure_prometheus
set_targets runner runner
set_targets sync sync
for target in auth web public; do set_targets "$target"; done
start_webhook
configure_alertmanager
start_alertmanager
start_blackbox
# Prometheus looks for its targets after five seconds, as long as a minute is here: the alerts come when it knows them,
# or no runner would be known for that time.
mv "$work/prometheus/rules/alerts.yml" "$work/alerts.yml"
start_prometheus
runner_address=127.0.0.1:${process_port[runner]}
sync_address=127.0.0.1:${process_port[sync]}
wait_for 30 "both are scraped and probed" prometheus_says \
  'count(up{job=~"mana-ai-.+"} == 1) + count(probe_success == 1)' 6
mv "$work/alerts.yml" "$work/prometheus/rules/alerts.yml"
kill -HUP "${process_pid[prometheus]}"
wait_for 20 "Prometheus has the alerts" has_alerts
holds_for 10 "nothing fires" nothing_fires
check "nothing arrives while all is well" test ! -s "$notifications"

# -- a runner that is gone: critical, and what follows from it is held back -------------------------------------------

killed=$(date +%s%3N)
stop_process runner KILL
down="$runner_address http://$runner_address/health"
wait_for 60 "ManaAiDown arrives, of scrape and probe" has_received on-call ManaAiDown firing "$down"
echo "ok a killed runner arrives at on-call, of scrape and probe"
echo "   $(first ManaAiDown "(.at * 1000 | floor) - $killed") ms after the kill"
check "nobody else is told of it" nowhere_but on-call ManaAiDown
alert=$(arrived ManaAiDown |
  jq -sc --arg instance "$runner_address" '[.[].alerts[] | select(.labels.instance == $instance)][0]')
check "it is critical" test "$(jq -r .labels.severity <<<"$alert")" = critical
check "it says what is down" test "$(jq -r .annotations.summary <<<"$alert")" = \
  "mana-ai-runner $runner_address does not answer"
check "it says what to do" grep -q 'start it again' <<<"$(jq -r .annotations.description <<<"$alert")"
runbook=$(jq -r .annotations.runbook_url <<<"$alert")
check "it links to where the runbooks are" test "${runbook%/*}" = "$runbooks_url"
check "it links to a page of them" test -f "$checkout/deploy/runbooks/${runbook##*/}"
check "the page is about it" grep -q ManaAiDown "$checkout/deploy/runbooks/${runbook##*/}"
check "an alert's notifications are one group" test "$(arrived ManaAiDown | jq -r .groupKey | sort -u | wc -l)" -eq 1

wait_for 60 "Prometheus says that it is not ready either" fires ManaAiNotReady 1
wait_for 30 "Alertmanager holds that back" is_inhibited ManaAiNotReady runner
# Longer than what it gathers warnings for.
holds_for 35 "what is down is not reported as not ready" has_received operators ManaAiNotReady firing ''
echo "ok what is down is not reported as not ready, too"

start_runner runner
wait_for 60 "the runner is ready again" is_ready runner
wait_for 60 "its resolution arrives" has_received on-call ManaAiDown resolved "$down"
echo "ok the resolution arrives at on-call"
last=$(arrived ManaAiDown | tail -n 1)
check "with it the group is over" test "$(jq -r .status <<<"$last")" = resolved
check "and has an end" test "$(jq -r '[.alerts[] | .endsAt > .startsAt] | all' <<<"$last")" = true
wait_for 60 "nothing fires any more" nothing_fires

# -- services that live and are not ready: warnings, gathered ---------------------------------------------------------

before=$(arrived ManaAiDown | wc -l)
stop_cluster fast
not_ready=$(printf 'http://%s/ready\n' "$runner_address" "$sync_address" | sort | paste -sd' ')
wait_for 60 "both are not ready" fires ManaAiNotReady 2
wait_for 60 "ManaAiNotReady arrives, of both" has_received operators ManaAiNotReady firing "$not_ready"
echo "ok services without a database arrive at operators"
check "both in one notification" test "$(arrived ManaAiNotReady | jq -s 'map(.alerts | length) | max')" -eq 2
check "which is a warning" test "$(first ManaAiNotReady .commonLabels.severity)" = warning
check "nobody is woken for it" nowhere_but operators ManaAiNotReady
check "it links to its own page" test "$(first ManaAiNotReady .commonAnnotations.runbook_url)" = \
  "$runbooks_url/not-ready.md"

start_cluster
for name in runner sync; do wait_for 60 "$name is ready again" is_ready "$name"; done
wait_for 60 "its resolution arrives" has_received operators ManaAiNotReady resolved "$not_ready"
echo "ok the resolution arrives at operators"
check "on-call heard nothing meanwhile" test "$(arrived ManaAiDown | wc -l)" -eq "$before"
check "every alert and every notification was taken" test -z \
  "$(grep -hE 'level=(warn|error)' "$work/alertmanager.log" "$work/prometheus.log" || true)"
