#!/usr/bin/env bash
# With an hour between ticks: what is due is planned because the log said so, what becomes due is planned at its
# time, and a listener whose connection breaks misses nothing.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
insert_goal anna goal-1
start_standin STANDIN_LATENCY_MS=0
start_runner runner TICK_INTERVAL_MS=3600000
wait_for 30 "the runner is ready" is_ready runner
listens() { [[ -n $(listener) ]]; }
listener() { sql "select pid from pg_stat_activity where usename = 'mana_ai_runner' and query ilike 'listen%'"; }
wait_for 10 "the runner listens" listens

insert_mission anna mission-1
wait_for 10 "the plan of a mission that is inserted as due" has_iteration anna mission-1
planned_well anna mission-1

due=$(time_in 3)
insert_mission anna mission-2 "{\"nextRunAt\": \"$due\"}"
wait_for 10 "the plan of a mission that becomes due" has_iteration anna mission-2
planned_well anna mission-2
started=$(iteration anna mission-2 | jq -r .startedAt)
expect "not before its time ($due, was $started)" test ! "$started" '<' "$due"

# An edit makes it due.
insert_mission anna mission-3 '{"state": "paused"}'
paused() { mission_field_is runner anna mission-3 notRunningBecause paused; }
wait_for 10 "the paused mission is known" paused
update_mission anna mission-3 '{"state": "active"}'
wait_for 10 "the plan of a mission that is taken up again" has_iteration anna mission-3
planned_well anna mission-3

# What is committed while nobody listens is found when the listener is back.
before=$(listener)
sql "select pg_terminate_backend($before)" >/dev/null
insert_mission anna mission-4
wait_for 15 "the plan of a mission that came while the listener was away" has_iteration anna mission-4
planned_well anna mission-4
listens_anew() { listens && [[ $(listener) != "$before" ]]; }
wait_for 10 "a new listener" listens_anew
stop_process runner
equals "$exit_code" 0 "exit code"
