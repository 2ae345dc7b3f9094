#!/usr/bin/env bash
# Traces as an operator gets them: a collector is sent the spans of requests, of a run on an encrypted note, of its
# stages and of its call to the LLM, in one tree each, and nothing that is somebody's. The LLM and the log name the same
# traces. A collector that hangs, refuses, talks nonsense or is gone costs spans, which are counted, and nothing else.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"
# shellcheck source-path=SCRIPTDIR source=../deploy/packages.sh
source "$checkout/tests/deploy/packages.sh"

install_packages "$work/npm.log" || fail "the packages of tests/deploy could not be installed"

export_log=$work/collector.jsonl
mode_file=$work/collector.mode
collector_port=''
header_secret=collector-password

start_collector() {
  rm -f "$work/collector.port"
  python3 "$checkout/tests/e2e/otlp_collector.py" --log "$export_log" --mode-file "$mode_file" \
    --port "${collector_port:-0}" >"$work/collector.port" 2>>"$work/collector.log" &
  process_pid[collector]=$!
  wait_for 10 "the collector listens" test -s "$work/collector.port"
  collector_port=$(<"$work/collector.port")
}
collector_is() { echo "$1" >"$mode_file"; }
# All spans that were exported, as otlp_collector.py prints them; it judges their form on the way.
spans() {
  [[ -s $export_log ]] || return 0
  python3 "$checkout/tests/e2e/otlp_collector.py" --spans "$export_log"
}
# spans_where <jq condition>: as a JSON array.
spans_where() { spans | jq -cs "map(select($1))"; }
has_span() { [[ $(spans_where "$1") != '[]' ]]; }
traced() { # <method> <url> <traceparent> [curl option...]: the status
  curl -sS --max-time 20 -o "$work/answer" -w '%{http_code}' -X "$1" -H "traceparent: $3" "${@:4}" "$2"
}
exported() { metric "$1" spans_exported_total; }
dropped() { metric "$1" spans_dropped_total "${2:+reason=\"$2\"}"; }
grows_beyond() { (($("${@:2}") > $1)); }

new_trace() { openssl rand -hex 16; }
parent_id=00f067aa0ba902b7

make_keys
start_database
start_collector
otlp_settings=(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$collector_port" OTEL_BSP_SCHEDULE_DELAY=200
  OTEL_EXPORTER_OTLP_HEADERS="authorization=Basic%20$header_secret" OTEL_EXPORTER_OTLP_TIMEOUT=1000)
start_auth "${otlp_settings[@]}" OTEL_SERVICE_NAME=mana-auth
start_witness --keep-prompts
start_granted runner "${otlp_settings[@]}" OTEL_BSP_MAX_QUEUE_SIZE=64 LOG_LEVEL=debug
wait_for 30 "the runner is ready" is_ready runner
sign_up anna
anna=$(user_of anna)
token=$(jq -r .accessToken "$work/anna.session")
insert_goal "$anna" goal-1

# -- a run on a sealed note ---------------------------------------------------------------------------------------

{
  note n1 "Brot kaufen $(marker note)"
  more_mission='{"title": "Geheime Mission", "objective": "Niemand soll das lesen."}' mission_on mission-1 notes:n1
} | seal_and_write anna
trace=$(new_trace)
equals "$(traced POST "$runner_url/internal/tick" "00-$trace-$parent_id-01" -H "X-Service-Key: $service_key")" 200 \
  "the tick's status"
planned_well "$anna" mission-1
wait_for 20 "the run's span" has_span '.name == "run"'
run=$(spans_where '.name == "run"' | jq -c '.[0]')
run_trace=$(jq -r .trace <<<"$run")
of_run=$(spans_where ".trace == \"$run_trace\"")
equals "$(jq -c '[.parent, .kind, .failed, .service, .instance]' <<<"$run")" '[null,"internal",false,"mana-ai","runner"]' \
  "the run's span"
equals "$(jq -c '.attributes | del(."mana.run.slot", ."mana.run.tokens", ."mana.user.group")' <<<"$run")" \
  '{"mana.mission.id":"mission-1","mana.run.attempt":1,"mana.run.outcome":"planned","mana.run.grant":"opened"}' \
  "the run's attributes"
equals "$(jq -c --argjson run "$run" 'map(select(.parent == $run.span)) | sort_by(.start) | map(.name)' <<<"$of_run")" \
  '["read","audit","llm","write"]' "the run's stages, in their order"
equals "$(jq -c 'length' <<<"$of_run")" 6 "spans of the run's trace"
call=$(jq -c 'map(select(.kind == "client"))[0]' <<<"$of_run")
equals "$(jq -r --argjson call "$call" 'map(select(.span == $call.parent))[0].name' <<<"$of_run")" llm "the call's parent"
equals "$(jq -c '[.name, .failed, .attributes["http.response.status_code"], .attributes["server.port"]]' <<<"$call")" \
  "[\"chat default\",false,200,${llm_url##*:}]" "the call to the LLM"
equals "$(jq -c '. as $all | map(. as $s | select(.parent) | [($all[] | select(.span == $s.parent))][0] as $p
  | ($p.start <= $s.start) and ($s.end <= $p.end)) | all' <<<"$of_run")" true "children lie within their parents"
equals "$(jq -c 'map(select(.name | IN("read", "audit", "llm", "write"))) | sort_by(.start)
  | [range(length - 1) as $i | .[$i].end <= .[$i + 1].start] | all' <<<"$of_run")" true "stages follow each other"
# The same measure as in the run's line of the log, which has milliseconds.
line=$(logged runner '.event == "run_finished"')
equals "$(jq -c '[.trace_id, .span_id]' <<<"$line")" "$(jq -c '[.trace, .span]' <<<"$run")" "the log's ids"
equals "$(jq -c --argjson line "$line" 'map(select(.name | IN("read", "audit", "llm", "write")))
  | map((.end - .start) / 1000000 - $line[.name + "_ms"] | fabs < 0.002) | all' <<<"$of_run")" true \
  "the stages' times are those of the log"
equals "$(logged runner '.event == "llm_attempt"' | jq -c '[.trace_id, .span_id]')" \
  "$(jq -c '[.trace, .span]' <<<"$call")" "the ids in the attempt's line of the log"
equals "$(jq -r 'select(.event == "seen") | .traceparent' "$witness_log")" \
  "00-$run_trace-$(jq -r .span <<<"$call")-01" "the traceparent that the LLM saw"

# -- requests -----------------------------------------------------------------------------------------------------

tick_span=$(spans_where ".trace == \"$trace\"")
equals "$(jq -c 'map([.name, .kind, .parent, .remote, .attributes["http.response.status_code"]])' <<<"$tick_span")" \
  "[[\"POST /internal/tick\",\"server\",\"$parent_id\",true,200]]" "the tick's span"
equals "$(logged runner ".trace_id == \"$trace\" and .event == \"request\"" | jq -c '[.span_id, .route, .status]')" \
  "[\"$(jq -r '.[0].span' <<<"$tick_span")\",\"/internal/tick\",200]" "the tick's line of the log"
wait_for 10 "spans of the auth target" has_span '.service == "mana-auth"'

# A path with ids, a query, a token, and a body: the route's pattern is told and nothing else.
trace=$(new_trace)
equals "$(traced GET "$runner_url/internal/missions/$anna?q=Geheim" "00-$trace-$parent_id-01" \
  -H "X-Service-Key: $service_key")" 200 "the status"
wait_for 10 "the span of the route" has_span ".trace == \"$trace\""
equals "$(spans_where ".trace == \"$trace\"" | jq -c '.[0] | [.name, .attributes]')" \
  '["GET /internal/missions/{userId}",{"http.request.method":"GET","http.route":"/internal/missions/{userId}","http.response.status_code":200,"url.scheme":"http"}]' \
  "the span of the route"

# A caller that does not sample is heeded, and a header that is none is ignored.
trace=$(new_trace)
equals "$(traced GET "$runner_url/health" "00-$trace-$parent_id-00")" 200 "a request that is not sampled"
for bad in nonsense "00-${trace^^}-$parent_id-01" "00-$trace-0000000000000000-01" "ff-$trace-$parent_id-01" \
  "00-$trace-$parent_id-01-more"; do
  equals "$(traced GET "$runner_url/health" "$bad")" 200 "a request with traceparent $bad"
done
other=$(new_trace)
equals "$(traced GET "$runner_url/no/such/Geheimnis" "cc-$other-$parent_id-01-later")" 404 "a later version"
wait_for 10 "the span of the later version" has_span ".trace == \"$other\""
equals "$(spans_where ".trace == \"$other\"" | jq -c '.[0] | [.name, .parent]')" "[\"GET\",\"$parent_id\"]" \
  "the span without a route"
equals "$(spans_where ".trace == \"$trace\"")" '[]' "spans of a trace that is not sampled"

# -- a tab's call to the LLM --------------------------------------------------------------------------------------

chat='{"messages":[{"role":"user","content":"Frage aus dem Tab"}]}'
trace=$(new_trace)
equals "$(traced POST "$runner_url/api/v1/me/llm/chat/completions" "00-$trace-$parent_id-01" -H 'tracestate: vendor=x1' \
  -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$chat")" 200 "the tab's call"
wait_for 10 "both spans of the tab's call" has_span ".trace == \"$trace\" and .kind == \"server\""
of_tab=$(spans_where ".trace == \"$trace\"" | jq -c 'sort_by(.start)')
equals "$(jq -c '[.[0].name, .[0].parent, .[1].kind, .[1].parent == .[0].span, length]' <<<"$of_tab")" \
  "[\"POST /api/v1/me/llm/chat/completions\",\"$parent_id\",\"client\",true,2]" "the spans of the tab's call"
equals "$(jq -c 'select(.traceparent // "" | contains("'"$trace"'")) | [.traceparent, .tracestate]' "$witness_log")" \
  "[\"00-$trace-$(jq -r '.[1].span' <<<"$of_tab")-01\",\"vendor=x1\"]" "what the LLM was told of the tab's trace"
long_state="vendor=$(printf 'x%.0s' {1..250}),other=$(printf 'y%.0s' {1..250}),third=3"
trace=$(new_trace)
equals "$(traced POST "$runner_url/api/v1/me/llm/chat/completions" "00-$trace-$parent_id-01" -H "tracestate: $long_state" \
  -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$chat")" 200 "a call with a long tracestate"
equals "$(jq -c 'select(.traceparent // "" | contains("'"$trace"'")) | .tracestate' "$witness_log")" null \
  "the tracestate that is too long"

# -- what is nowhere in it ----------------------------------------------------------------------------------------

# The collector's own header is in its log and is what it should be.
equals "$(jq -r '[.path, (.headers | with_entries(.key |= ascii_downcase) | [.authorization, ."content-type"])]
  | flatten | join(" ")' "$export_log" | sort -u)" "/v1/traces Basic $header_secret application/json" \
  "the requests to the collector"
jq -c .body "$export_log" >"$work/exported.jsonl"
for secret in MARK- Brot Geheim Niemand 'Fit bleiben' Frage Dreimal "$anna" "$token" "${token##*.}" "$service_key" \
  "$header_secret" "$runner_password" vendor= n1\" notes: 'Ein langes Passwort' Aufruf; do
  expect "«$secret» is not exported" test -z "$(grep -F -- "$secret" "$work/exported.jsonl" || true)"
done
expect "the collector's header is not in the logs" test -z "$(grep -lF "$header_secret" "$work"/{runner,auth}.log || true)"
expect "no trouble so far" test -z "$(logged runner '.event == "trouble"')"
equals "$(dropped runner)" 0 "spans dropped so far"
expect "spans are counted" test "$(metric runner spans_exported_total)" -gt 10

# By OpenTelemetry's own code, too.
seen=$(spans | wc -l) # there are ever more
# shellcheck disable=SC2154 # of packages.sh
decoded=$("$checkout/deploy/node.sh" node "$checkout/tests/e2e/otlp_decode.mjs" "$packages" "$export_log")
expect "all spans are decoded" test "$decoded" -ge "$seen"

# -- a collector with bad days ------------------------------------------------------------------------------------

health_requests() { # <process> <number>
  local n
  for ((n = 0; n < $2; ++n)); do printf 'url = "http://127.0.0.1:%s/health"\noutput = /dev/null\n' "${process_port[$1]}"; done |
    curl -sS --max-time 20 -K -
}
planned_in_time() { # <mission>
  mission_on "$1" notes:n1 | seal_and_write anna
  local before=$SECONDS
  tick runner >"$work/tick.json"
  planned_well "$anna" "$1"
  expect "the plan of $1 does not wait for the collector" test $((SECONDS - before)) -lt 5
}

collector_is hang
health_requests runner 200
planned_in_time while-it-hangs
wait_for 10 "dropped spans are counted" grows_beyond 0 dropped runner queue_full
wait_for 10 "the trouble is in the log" has_logged runner '.event == "trouble" and .what == "export_spans"'
collector_is ok
wait_for 30 "the collector is well again" has_logged runner '.event == "recovered" and .what == "export_spans"'

collector_is busy
planned_in_time while-it-is-busy
wait_for 10 "the collector is asked in vain" has_logged runner '.event == "trouble" and .detail == "status 503"'
collector_is ok
is_exported() { has_span ".attributes[\"mana.mission.id\"] == \"$1\""; }
wait_for 30 "what waited is exported" is_exported while-it-is-busy

collector_is refuse
planned_in_time refused
wait_for 10 "refused spans are counted" grows_beyond 0 dropped runner rejected
collector_is garbage
planned_in_time to-garbage
stop_process collector KILL
planned_in_time while-it-is-gone
wait_for 60 "a batch is given up" grows_beyond 0 dropped runner retries_spent
# What ends before there are places again is dropped.
before=$(exported runner)
collector_is ok
start_collector
wait_for 40 "the collector is used again" grows_beyond "$before" exported runner
planned_in_time afterwards
wait_for 20 "what ended since is exported" is_exported afterwards
expect "no actor died" test -z "$(logged runner '.event == "actor_restarted" or .event == "gave_up"')"

# -- the end ------------------------------------------------------------------------------------------------------

start_granted last "${otlp_settings[@]}" OTEL_BSP_SCHEDULE_DELAY=3600000
wait_for 30 "the runner is ready" is_ready last
trace=$(new_trace)
equals "$(traced GET "http://127.0.0.1:${process_port[last]}/health" "00-$trace-$parent_id-01")" 200 "a last request"
equals "$(spans_where ".trace == \"$trace\"")" '[]' "the span waits for its batch"
stop_process last
equals "$exit_code" 0 "exit code"
equals "$(spans_where ".trace == \"$trace\"" | jq -c 'map(.name)')" '["GET /health"]' "the span after the flush"

collector_is hang
health_requests runner 20
before=$SECONDS
stop_process runner
equals "$exit_code" 0 "exit code beside a collector that hangs"
expect "the end does not wait for it" test $((SECONDS - before)) -lt 8
stop_process auth

# -- switched off -------------------------------------------------------------------------------------------------

start_auth
start_granted off LOG_LEVEL=debug
wait_for 30 "the runner is ready" is_ready off
mission_on untraced notes:n1 | seal_and_write anna
trace=$(new_trace)
equals "$(traced POST "$runner_url/internal/tick" "00-$trace-$parent_id-01" -H "X-Service-Key: $service_key")" 200 "a tick"
planned_well "$anna" untraced
expect "the log has the trace of the request" has_logged off ".event == \"request\" and .trace_id == \"$trace\""
run_trace=$(logged off '.event == "run_finished"' | jq -r .trace_id)
expect "the log has the trace of the run" test "${#run_trace}" == 32
equals "$(jq -r 'select(.traceparent // "" | contains("'"$run_trace"'")) | .traceparent[-3:]' "$witness_log")" -00 \
  "the LLM is told that the trace is not exported"
equals "$(request off GET /metrics | grep -c mana_ai_spans_ || true)" 0 "metrics of spans"
stop_process off
equals "$exit_code" 0 "exit code"
