#!/usr/bin/env bash
# A due mission becomes a plan in the change log, exactly in the shape of the contract; one process, --target=all.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
insert_goal anna goal-1
insert_mission anna mission-1
insert_goal ben goal-1
insert_mission ben paused-mission '{"state": "paused"}'

port=$(free_port)
process_port[service]=$port
llm_url=http://127.0.0.1:$port
start_process service all "${auth_settings[@]}" "${sync_settings[@]}" WEB_ROOT="$(web_root)" MANA_SERVICE_KEY="$service_key" MANA_LLM_URL="$llm_url" TICK_ENABLED=false \
  SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database"
wait_for 30 "the service is ready" is_ready service

equals "$(request service GET /health | jq -c '[.ok, .service, .tick.enabled]')" '[true,"mana-ai",false]' /health
equals "$(status service /internal/tick -X POST)" 401 "a tick without a key"
equals "$(status service /internal/missions/anna)" 401 "missions without a key"
equals "$(status service /internal/tick -X POST -H 'X-Service-Key: wrong')" 401 "a tick with a wrong key"
equals "$(status service /api/nowhere)" 404 "an unknown path"

report=$(tick service)
equals "$(jq -c '[.dueMissionCount, .plansProduced, .plansWrittenBack, .parseFailures, .errors]' <<<"$report")" \
  '[1,1,1,0,[]]' "the tick's report"
planned_once anna mission-1

row=$(sql "select to_jsonb(c) from sync_changes c where user_id = 'anna' and client_id = 'mana-ai-runner'")
equals "$(jq -c '[.app_id, .table_name, .record_id, .op, .schema_version]' <<<"$row")" \
  '["ai","aiMissions","mission-1","update",1]' "the row's columns"
equals "$(jq -cS .actor <<<"$row")" '{"kind":"system","source":"mission-runner"}' "the row's actor"
equals "$(jq -c '.data | keys' <<<"$row")" '["iterations","nextRunAt","updatedAt"]' "the fields written"
equals "$(jq -c '.field_timestamps | keys' <<<"$row")" '["iterations","nextRunAt","updatedAt"]' "their stamps"
expect "nextRunAt is ahead" jq -e '.data.nextRunAt > (now | strftime("%Y-%m-%dT%H:%M:%S.000Z"))' <<<"$row" >/dev/null
next_in_berlin=$(TZ=Europe/Berlin date -d "$(jq -r .data.nextRunAt <<<"$row")" +%H:%M)
equals "$next_in_berlin" 07:00 "the next run in the mission's time zone"

plan=$(iteration anna mission-1)
equals "$(jq -c '[.source, .overallStatus]' <<<"$plan")" '["server","awaiting-review"]' "the iteration"
expect "startedAt = finishedAt" jq -e '.startedAt == .finishedAt' <<<"$plan" >/dev/null
expect "a UUID" jq -e '.id | test("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")' <<<"$plan" >/dev/null
# shellcheck disable=SC2016 # jq's variables
expect "steps with id, reason and intent" jq -e '.id as $id | (.plan | length) > 0 and (.plan | to_entries | all(
  .value.id == "\($id)-\(.key)" and .value.status == "planned" and (.value.rationale | length) > 0
  and .value.intent.kind == "toolCall" and (.value.intent.params | type) == "object"))' <<<"$plan" >/dev/null

# The plan waits for its reader: nothing is due, nothing new is written.
equals "$(tick service | jq -c '[.dueMissionCount, .plansWrittenBack]')" '[0,0]' "the second tick"
planned_once anna mission-1
equals "$(mission_field service anna mission-1 notRunningBecause)" waiting-for-review "why it does not run"
equals "$(mission_field service ben paused-mission notRunningBecause)" paused "why the paused one does not run"
equals "$(write_backs ben paused-mission)" 0 "write-backs of a paused mission"
equals "$(request service GET /internal/missions/nobody | jq -c .missions)" '[]' "missions of an unknown user"

metrics=$(request service GET /metrics)
expect "the metric of plans" grep -qE '^mana_ai_plans_written_back_total\{[^}]*\} 1' <<<"$metrics"
expect "no path of a client in labels" test -z "$(grep nowhere <<<"$metrics" || true)"
expect "no user data in the log" test -z "$(grep -E 'Fit bleiben|Dreimal laufen' "$work/service.log" || true)"

stop_process service
equals "$exit_code" 0 "exit code"
