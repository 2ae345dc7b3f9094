#!/usr/bin/env bash
# A user who has spent the day's tokens waits, is told so and until when, and is not failed; others go on. When the
# operator raises the limit, the mission runs.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

budget() { request runner GET "/internal/missions/$1" | jq -r ".budget.$2"; }
metric() { curl -sS "http://127.0.0.1:${process_port[runner]}/metrics" | sed -n "s/^mana_ai_$1{.*} //p"; }
metric_is() { [[ $(metric "$1") == "$2" ]]; }
one_is_planned() { reasons_are runner anna '{"over-token-budget":1,"waiting-for-review":1}'; }

start_database
for user in anna ben; do insert_goal "$user" goal-1; done
start_standin STANDIN_LATENCY_MS=50
# What one run reserves, so that another needs more than the first one leaves.
start_runner runner TOKENS_PER_DAY=12000
wait_for 30 "the runner is ready" is_ready runner

insert_mission anna "mission-1 mission-2"
wait_for 15 "one mission is planned, the other waits for tokens" one_is_planned
insert_mission ben mission-1
wait_for 10 "the other user's plan" has_iteration ben mission-1
planned_well ben mission-1

expect "tokens were used" test "$(budget anna tokensToday)" -gt 0
expect "no more than the budget" test "$(budget anna tokensToday)" -le 12000
equals "$(budget anna tokensPerDay)" 12000 "the limit"
equals "$(budget anna waitsUntil)" "$(date -u -d tomorrow +%Y-%m-%dT00:00:00.000Z)" "the end of the wait"
wait_for 20 "the metric tells of the user who waits" metric_is users_over_budget 1
expect "tokens are counted" test "$(metric llm_tokens_total)" -gt 0
expect "it still waits" one_is_planned
equals "$(($(write_backs anna mission-1) + $(write_backs anna mission-2)))" 1 "write-backs of the two"

sql "insert into mana_ai.user_limits (user_id, tokens_per_day) values ('anna', 0)" >/dev/null
wait_for 15 "all are planned" reasons_are runner anna '{"waiting-for-review":2}'
planned_well anna mission-1
planned_well anna mission-2
stop_process runner
equals "$exit_code" 0 "exit code"
