#!/usr/bin/env bash
# Grants are withdrawn or replaced while their missions run: each run stops, its LLM call is cancelled, and no iteration
# of it is written. Prints how long a stop took from the commit of the revocation to the closed connection of the call.
#
# REVOCATIONS (200) is how many; SEED replays their order and instants.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

revocations=${REVOCATIONS:-200}
seed=${SEED:-$RANDOM}
users=(user{1..10})
each=$(((revocations + ${#users[@]} - 1) / ${#users[@]}))
limit_ms=2000
RANDOM=$seed
echo "seed $seed, $((each * ${#users[@]})) revocations"

make_keys
start_database
track_commit_times

# start_missions <nicks...>: the missions of each are due at once.
start_missions() {
  local nick
  for nick in "$@"; do
    without_auth "$nick"
    node "$checkout/tests/e2e/browser/many_missions.mjs" "$nick" "$each" 1 | seal_and_write "$nick" own-grants
  done
}
start_revocable() {
  start_granted runner TICK_ENABLED=true TICK_INTERVAL_MS=1000 MAX_RUNS_PER_USER="$each" MAX_OPEN_ITERATIONS=100 \
    LLM_MAX_ATTEMPTS=1 LLM_FIRST_BYTE_TIMEOUT_MS=300000 LLM_TOTAL_TIMEOUT_MS=300000
  wait_for 30 "the runner is ready" is_ready runner
}
shown() { jq -r '.markers // [] | .[]' "$witness_log" | sort -u | wc -l; }
all_shown() { [[ $(shown) -ge $((each * ${#users[@]})) ]]; }

# in_random_order <nicks...>: `<nick> <mission>` of each mission.
in_random_order() {
  local nick n
  for nick in "$@"; do
    for ((n = 1; n <= each; n++)); do echo "$((RANDOM * 32768 + RANDOM)) $nick mission-$n"; done
  done | sort -n | cut -d' ' -f2-
}
pause() { sleep "$(printf '0.%03d' $((RANDOM % $1)))"; }
withdraw() { echo '{"grant": null}' | edit_mission "$(user_of "$1")" "$2"; }
replace() {
  jq -cn --arg id "$2" '{missionId: $id, recordIds: [$id | sub("^mission-"; "notes:") + "-1"]}' |
    browser "$1" grant own | jq -c '{grant: .}' | edit_mission "$(user_of "$1")" "$2"
}

# Views over the log and what the witness saw: revocations with the time of their commit, calls with their mission, and
# when an iteration that came of a call was first in the log.
make_views() {
  sql "create view public.revoked as
      select user_id, record_id as mission, min(pg_xact_commit_timestamp(xmin)) as at,
             bool_or(jsonb_typeof(data -> 'grant') = 'null') as withdrawn
      from sync_changes where client_id = 'e2e-browser' and op = 'update' and data ? 'grant' group by 1, 2;
    create view public.calls as
      select w.call, w.at as seen, r.user_id, r.record_id as mission,
             (select min(e.at) from witness e where e.call = w.call and e.event = 'closed') as closed
      from witness w
      join sync_changes r on r.table_name = 'aiMissions' and r.op = 'insert' and w.marker = 'MARK-' || left(encode(sha256(
        convert_to(substr(r.user_id, 6) || '/' || substr(r.record_id, 9) || '-1', 'UTF8')), 'hex'), 32);
    create view public.written as
      select c.user_id, c.record_id as mission, substring(i ->> 'summary' from 'Aufruf ([0-9]+)')::bigint as call,
             min(pg_xact_commit_timestamp(c.xmin)) as at
      from sync_changes c, jsonb_array_elements(c.data -> 'iterations') i
      where c.client_id = 'mana-ai-runner' group by 1, 2, 3"
}
# Iterations of a call that had the texts by the grant that was revoked, and that came after the revocation. With a
# grant in its place a later call may have them again.
late_iterations() {
  sql "select count(*) from written w join revoked r using (user_id, mission) join calls c using (user_id, mission, call)
       where w.at > r.at and (r.withdrawn or c.seen < r.at)"
}

# -- all in mid-run: calls that would take minutes ----------------------------------------------------------------

start_witness --latency-ms 200000
start_revocable
start_missions "${users[@]}"
wait_for 60 "all missions are in mid-run" all_shown
while read -r nick mission; do
  pause 40
  if ((RANDOM % 2)); then withdraw "$nick" "$mission"; else replace "$nick" "$mission"; fi
done < <(in_random_order "${users[@]}")

stops() { jq -s 'map(select(.event == "closed")) | length' "$witness_log"; }
all_stopped() { [[ $(stops) -ge $((each * ${#users[@]})) ]]; }
wait_for 20 "all runs stop" all_stopped
load_witness
make_views
count=$(sql 'select count(*) from revoked')
equals "$count" "$((each * ${#users[@]}))" "revocations"
equals "$(sql "select count(*) from revoked r where not exists (select from calls c where c.user_id = r.user_id
  and c.mission = r.mission and c.seen < r.at and c.closed > r.at)")" 0 "revocations that stopped no call"
equals "$(sql "select count(*) from calls c join revoked r using (user_id, mission)
  where c.seen < r.at and c.closed > r.at + $limit_ms * interval '1 millisecond'")" 0 "calls that took longer to stop"
equals "$(late_iterations)" 0 "iterations of revoked runs"
sql "select format('%s revocations in mid-run: from commit to stop p50 %s ms, p99 %s ms, max %s ms', count(*),
    round((percentile_cont(0.5) within group (order by ms))::numeric, 1),
    round((percentile_cont(0.99) within group (order by ms))::numeric, 1), round(max(ms)::numeric, 1))
  from (select extract(epoch from c.closed - r.at) * 1000 as ms from calls c join revoked r using (user_id, mission)
        where c.seen < r.at) t"

# What was withdrawn stays so: the missions are planned without the texts.
withdrawn=$(sql 'select count(*) from revoked where withdrawn')
planned() { sql 'select count(distinct (user_id, mission)) from written join revoked using (user_id, mission) where withdrawn'; }
all_planned() { [[ $(planned) == "$withdrawn" ]]; }
wait_for 30 "the missions without their grants are planned" all_planned
stop_process runner KILL
load_witness
equals "$(sql 'select count(*) from calls c join revoked r using (user_id, mission) where r.withdrawn and c.seen > r.at')" \
  0 "calls with a text after its grant was withdrawn"

# -- revocations that race with the answers -----------------------------------------------------------------------

witness_log=$work/race.jsonl
start_witness --latency-ms 100 --up-to-ms 6000
racers=(racer1 racer2 racer3)
start_revocable
start_missions "${racers[@]}"
some_shown() { [[ $(shown) -ge $each ]]; }
wait_for 60 "missions are in mid-run" some_shown
while read -r nick mission; do
  pause 30
  withdraw "$nick" "$mission"
done < <(in_random_order "${racers[@]}")

racing="(select count(distinct (user_id, mission)) from written join revoked using (user_id, mission) where user_id ~ 'racer')"
all_raced() { [[ $(sql "select $racing") == $((each * ${#racers[@]})) ]]; }
wait_for 60 "all racing missions are planned" all_raced
load_witness
equals "$(late_iterations)" 0 "iterations of revoked runs"
sql "select format('%s revocations that raced with the answer: %s stopped the run, %s came after its iteration',
  count(*), count(*) filter (where c.closed is not null), count(*) filter (where c.closed is null))
  from revoked r join calls c using (user_id, mission) where user_id ~ 'racer'"
stop_process runner
equals "$exit_code" 0 "exit code"
