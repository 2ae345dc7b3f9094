#!/usr/bin/env bash
# Two replicas whose clocks are ten minutes ahead and behind act as one: each of 200 due slots is planned exactly once and
# not before its time, and grants expire, all by the database's clock.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

library=$(find /usr/lib -name libfaketimeMT.so.1 -print -quit)
[[ -n $library ]] || fail "libfaketime is missing: run deploy/deps.sh"

# start_skewed <name> <offset>: few places, so that neither takes all of it; leases shorter than the LLM's answer.
start_skewed() {
  start_granted "$1" LD_PRELOAD="$library" FAKETIME="$2" FAKETIME_DONT_FAKE_MONOTONIC=1 LEASE_MS=1500 MAX_RUNS=60 \
    MAX_RUNS_PER_USER=50 MAX_OPEN_ITERATIONS=100
}
logged_at() { logged "$1" '.event == "started"' | jq -r .time; }

make_keys
start_database
start_standin STANDIN_LATENCY_MS=1600
start_skewed ahead +10m
start_skewed behind -10m
for name in ahead behind; do wait_for 30 "the replica $name is ready" is_ready "$name"; done
expect "one clock is ahead" test "$(logged_at ahead)" '>' "$(time_in 540)"
expect "one clock is behind" test "$(logged_at behind)" '<' "$(time_in -540)"

# -- grants: five minutes before and after their end --------------------------------------------------------------

# A tick leaves the missions behind that the other replica is folding just then.
plans_both() {
  tick "$1" >/dev/null
  [[ $(logged "$1" '.event == "run_finished"' | wc -l) -ge 2 ]]
}
for name in ahead behind; do
  without_auth "$name"
  {
    note n1 Text
    more_grant='{"ttlMs": 300000}' mission_on alive notes:n1
    more_grant='{"ttlMs": -300000}' mission_on over notes:n1
  } | seal_and_write "$name" own-grants
  wait_for 20 "the replica $name has planned its two" plans_both "$name"
  equals "$(logged "$name" '.event == "run_finished"' | jq -scS 'map({(.mission): [.outcome, .grant]}) | add')" \
    '{"alive":["planned","opened"],"over":["planned","expired"]}' "the grants as the replica $name saw them"
done

# -- 200 slots ----------------------------------------------------------------------------------------------------

for group in {0..9}; do
  insert_mission "user-$((group % 4))" "$(echo "mission-$group-"{1..20})" "$(jq -cn --arg due "$(time_in "$((group / 2))")" \
    '{inputs: [], cadence: {kind: "interval", everyMinutes: 5}, nextRunAt: $due}')"
done
planned() { sql "select count(*) from sync_changes where client_id = 'mana-ai-runner' and record_id like 'mission-%'"; }
all_planned() { [[ $(planned) -ge 200 ]]; }
# Each for itself: a tick lasts as long as its replica finds something to do.
keep_ticking() {
  local end=$((SECONDS + 90))
  until all_planned || ((SECONDS >= end)); do tick "$1" >/dev/null; done
}
keep_ticking ahead &
ticking=$!
keep_ticking behind
wait "$ticking"
expect "all missions are planned" all_planned

sql "create view public.written as
  select w.record_id, w.created_at, w.data ->> 'nextRunAt' as next, (i.data ->> 'nextRunAt')::timestamptz as slot,
         w.data -> 'iterations' -> 0 as iteration, jsonb_array_length(w.data -> 'iterations') as iterations
  from sync_changes w
  join sync_changes i on i.user_id = w.user_id and i.record_id = w.record_id and i.client_id = 'e2e-browser'
  where w.client_id = 'mana-ai-runner' and w.record_id like 'mission-%'" >/dev/null
equals "$(sql "select count(*) || ' ' || count(distinct iteration ->> 'id') || ' ' || max(iterations) from written")" \
  "200 200 1" "write-backs, iterations and iterations of a mission"
equals "$(sql 'select count(*) from written where created_at < slot')" 0 "slots that were planned before their time"
equals "$(sql "select count(*) from written where next::timestamptz <> slot + interval '5 minutes'")" 0 \
  "missions whose next slot does not follow from this one"
equals "$(sql "select count(*) from written where iteration ->> 'overallStatus' = 'failed'
  or abs(extract(epoch from (iteration ->> 'startedAt')::timestamptz - created_at)) > 60")" 0 \
  "iterations by another clock than the database's"
for name in ahead behind; do
  expect "the replica $name planned some" has_logged "$name" '.outcome == "planned" and (.mission | startswith("mission-"))'
  stop_process "$name"
  equals "$exit_code" 0 "exit code of the replica $name"
done
