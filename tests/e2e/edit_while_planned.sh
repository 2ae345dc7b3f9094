#!/usr/bin/env bash
# What the user does to a mission while the LLM thinks about it: neither the edit nor the plan is lost; a mission that
# is deleted meanwhile gets no plan.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
insert_goal anna goal-1
start_standin STANDIN_LATENCY_MS=4000
start_runner runner TICK_INTERVAL_MS=3600000
wait_for 30 "the runner is ready" is_ready runner

old_iteration='{"id": "0c6f4f4e-8d8c-4d5e-9f8e-6c1c3a1f0a01", "startedAt": "2026-01-01T07:00:00.000Z", "plan": [],
  "overallStatus": "rejected", "source": "server"}'
insert_mission anna "edited moved cancelled"
insert_mission anna reviewed "{\"iterations\": [$old_iteration]}"
wait_for 10 "all four run" reasons_are runner anna '{"running":4}'

update_mission anna edited '{"title": "Neuer Titel", "objective": "Neues Ziel", "inputs": []}'
update_mission anna reviewed "{\"iterations\": [$(jq -c '. + {userFeedback: "zu viel"}' <<<"$old_iteration")]}"
update_mission anna moved '{"cadence": {"kind": "daily", "atHour": 9, "atMinute": 30}}'
update_mission anna cancelled "{\"deletedAt\": \"$(time_in 0)\"}"
edits=$(sql "select count(*) from sync_changes where client_id = 'mana-ai-runner'")
equals "$edits" 0 "write-backs before the edits: the LLM was faster than this script"

is_written() { [[ $(write_backs anna "$1") -ge 1 ]]; }
for id in edited moved reviewed; do wait_for 15 "a plan for $id" is_written "$id"; done

# Both in the log, and both in what the runner makes of the log.
snapshot() { sql "select record from mana_ai.mission_snapshots where user_id = 'anna' and mission_id = '$1'"; }
planned_well anna edited
equals "$(snapshot edited | jq -c '[.title, .objective, .inputs, (.iterations | length)]')" \
  '["Neuer Titel","Neues Ziel",[],1]' "the edited mission"
equals "$(sql "select count(*) from sync_changes where record_id = 'edited' and client_id = 'mana-ai-runner'
  and data ?| array['title', 'objective', 'inputs']")" 0 "write-backs that hold fields of the user's"

equals "$(write_backs anna reviewed)" 1 "write-backs of the reviewed mission"
equals "$(snapshot reviewed | jq -c '[.iterations[] | [.overallStatus, .userFeedback]]')" \
  '[["rejected","zu viel"],["awaiting-review",null]]' "the reviewed mission's iterations"
equals "$(sql "select jsonb_path_query_array(data, '\$.iterations[*].userFeedback') from sync_changes
  where record_id = 'reviewed' and client_id = 'mana-ai-runner'")" '["zu viel"]' "the feedback in the write-back"

planned_well anna moved
next=$(snapshot moved | jq -r .nextRunAt)
equals "$(TZ=Europe/Berlin date -d "$next" +%H:%M)" 09:30 "the next run of the moved mission"

none_runs() { [[ $(request runner GET /internal/missions/anna | jq '[.missions[] | select(.leaseUntil)] | length') == 0 ]]; }
wait_for 10 "nothing runs any more" none_runs
equals "$(write_backs anna cancelled)" 0 "write-backs of the deleted mission"
stop_process runner
equals "$exit_code" 0 "exit code"
