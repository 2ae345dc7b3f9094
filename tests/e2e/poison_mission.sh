#!/usr/bin/env bash
# A mission whose LLM call is the end of its runner: after three of them it is quarantined, its user and operators are
# told, the other missions are planned, and one command puts it back.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_poisonous_llm() {
  : >"$work/kills"
  python3 "$checkout/tests/e2e/poison_llm.py" --victim "$work/runner.pid" --kills "$work/kills" \
    >"$work/llm.port" 2>"$work/llm.log" &
  process_pid[llm]=$!
  wait_for 10 "the LLM listens" test -s "$work/llm.port"
  llm_url=http://127.0.0.1:$(<"$work/llm.port")
}
start_victim() {
  start_runner runner LEASE_MS=2000 TICK_INTERVAL_MS=1000
  echo "${process_pid[runner]}" >"$work/runner.pid"
}
kills() { wc -l <"$work/kills"; }

# The pauses between crashes are over.
skip_pauses() {
  sql "update mana_ai.mission_snapshots set claimable_at = now() where crashes > 0 and claimable_at > now()" >/dev/null
  sql "update mana_ai.user_turns set queue_at = now() where queue_at > now() and queue_at < 'infinity'" >/dev/null
}
# supervised <command...>: as Kubernetes would, a runner that died is started again.
supervised() {
  if dead runner; then
    wait "${process_pid[runner]}" 2>/dev/null || true
    start_victim
  fi
  skip_pauses
  "$@"
}
metric() { curl -s --max-time 5 "http://127.0.0.1:${process_port[runner]}/metrics" | sed -n "s/^mana_ai_$1{[^}]*} //p"; }
metric_is() { [[ $(metric "$1") == "$2" ]]; }
missions_command() {
  env -i PATH="$PATH" SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" \
    "$binary" missions "$@"
}

start_database
for user in anna ben; do insert_goal "$user" goal-1; done
start_poisonous_llm
start_victim
wait_for 30 "the runner is ready" is_ready runner
insert_mission anna mission-1 '{"objective": "poison"}'
insert_mission anna mission-2
insert_mission ben 'mission-1 mission-2 mission-3'

wait_for 90 "the poisonous mission has its failed iteration" supervised has_iteration anna mission-1
equals "$(kills)" 3 "runners that the mission ended"
equals "$(iteration anna mission-1 | jq -c '[.overallStatus, (.summary | contains("angehalten"))]')" '["failed",true]' \
  "what the user sees"
for id in mission-1 mission-2 mission-3; do
  wait_for 20 "ben's $id is planned" supervised has_iteration ben "$id"
  planned_well ben "$id"
done
wait_for 20 "anna's other mission is planned" supervised has_iteration anna mission-2
planned_well anna mission-2

# What operators see.
wait_for 30 "the runner is ready" is_ready runner
equals "$(mission_field runner anna mission-1 notRunningBecause)" quarantined "why the mission does not run"
wait_for 20 "the gauge counts it" metric_is quarantined_missions 1
expect "its quarantine is in the log" has_logged runner '.event == "mission_quarantined" and .mission == "mission-1"'
equals "$(request runner GET /internal/quarantine | jq -c '[.missions[] | [.userId, .missionId]]')" \
  '[["anna","mission-1"]]' "the quarantined missions by the route"
expect "the command lists it" grep -q -- '--user=anna --mission=mission-1  quarantined: ' <(missions_command quarantined)

# An edit alone does not put it back.
update_mission anna mission-1 "$(jq -cn --arg now "$(time_in 0)" '{objective: "Hilf mir", nextRunAt: $now}')"
tick runner >/dev/null
equals "$(mission_field runner anna mission-1 notRunningBecause)" quarantined "why the edited mission does not run"

equals "$(missions_command release --user anna --mission mission-1)" "released; it runs when it is due" "the release"
is_planned() { [[ $(iteration_ids anna mission-1) == 2 ]]; }
wait_for 20 "the released mission is planned" is_planned
equals "$(iteration anna mission-1 | jq -r .overallStatus)" awaiting-review "its iteration"
wait_for 20 "the gauge counts none" metric_is quarantined_missions 0
if missions_command release --user anna --mission mission-1 2>/dev/null; then
  fail "expected: there is nothing to release a second time"
fi
equals "$(curl -sS --max-time 10 -H "X-Service-Key: $service_key" -d '{"userId": "anna", "missionId": "mission-9"}' \
  "http://127.0.0.1:${process_port[runner]}/internal/quarantine/release" | jq -r .code)" NOT_FOUND \
  "the release of an unknown mission"
equals "$(kills)" 3 "runners that the mission ended"
stop_process runner
equals "$exit_code" 0 "exit code"
