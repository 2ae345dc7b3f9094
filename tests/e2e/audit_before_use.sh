#!/usr/bin/env bash
# Audit before use, with the LLM as the witness: while missions of eight users run, the runner is killed at random
# instants; afterwards each run that showed a text to the LLM has its audit row, committed before the LLM saw the text.
#
# KILLS (200) is how often; SEED replays the instants, as far as time does.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

kills=${KILLS:-200}
seed=${SEED:-$RANDOM}
per_user=$((kills + 20)) # missions: one for each user falls due while a runner lives
users=(user{1..8})
RANDOM=$seed
echo "seed $seed, $kills kills"

make_keys
start_database
track_commit_times
start_witness --latency-ms 50

# One call of the LLM for each run, so that every call can be held against a run of its own.
start_killable() {
  start_granted runner TICK_ENABLED=true TICK_INTERVAL_MS=1000 LEASE_MS=1000 MAX_ATTEMPTS=100 RETRY_BASE_MS=1 \
    RETRY_MAX_MS=10 LLM_MAX_ATTEMPTS=1 RUNS_PER_HOUR=0 TOKENS_PER_DAY=0
}
# Half of a life at most is the start, which a busy machine makes longer: else none would be killed in its runs.
now_ms() { echo "$((${EPOCHREALTIME/[.,]/} / 1000))"; }
begun=$(now_ms)
start_killable
wait_for 30 "the runner is ready" is_ready runner
start_ms=$(($(now_ms) - begun))
stop_process runner KILL
longest_ms=$((start_ms > 350 ? 2 * start_ms : 700))
apart_ms=$((longest_ms / 2))

# Loading takes a part of this.
first_due=$((EPOCHSECONDS * 1000 + 5000 + kills * 50))
for nick in "${users[@]}"; do
  without_auth "$nick"
  node "$checkout/tests/e2e/browser/many_missions.mjs" "$nick" "$per_user" 2 "$first_due" "$apart_ms" |
    seal_and_write "$nick" own-grants
done
while ((EPOCHSECONDS * 1000 < first_due)); do sleep 0.1; done

for ((n = 0; n < kills; n++)); do
  start_killable
  lives=$((RANDOM % longest_ms))
  printf -v lives '%d.%03d' $((lives / 1000)) $((lives % 1000))
  sleep "$lives"
  stop_process runner KILL
  # None of these crashes is a mission's doing, and a quarantined one would be shown to no LLM.
  sql "update mana_ai.mission_snapshots set crashes = 0 where crashes > 0" >/dev/null
done

# There may be nothing left for it: it would be stopped before it could answer the signal.
start_killable
wait_for 30 "the last runner is ready" is_ready runner
total=$((per_user * ${#users[@]}))
plans() { sql "select count(distinct (user_id, record_id)) from sync_changes where client_id = 'mana-ai-runner'"; }
all_planned() { [[ $(plans) == "$total" ]]; }
wait_for 180 "all $total missions are planned" all_planned
stop_process runner
equals "$exit_code" 0 "exit code of the last runner"
load_witness

# -- the k-th call that held a text has a k-th run with a row for it, committed before ----------------------------

records="select *, 'MARK-' || left(encode(sha256(convert_to(substr(user_id, 6) || '/' || record_id, 'UTF8')), 'hex'), 32)
  as marker, pg_xact_commit_timestamp(xmin) as committed from mana_ai.decrypt_audit"
sql "create view public.audited as select *, row_number() over (partition by marker order by committed, id) as k
     from ($records) r where status = 'ok';
     create view public.seen as select *, row_number() over (partition by marker order by at, call) as k
     from public.witness where marker is not null"
equals "$(sql "select count(*) from seen s left join audited a using (marker, k)
  where a.committed is null or a.committed > s.at or a.ts > s.at")" 0 "calls without an audit row committed before"
equals "$(sql 'select count(*) from (select from mana_ai.decrypt_audit group by user_id, run_id, table_name, record_id
  having count(*) > 1) d')" 0 "rows that a run has twice"
equals "$(sql "select count(*) from mana_ai.decrypt_audit where status <> 'ok'")" 0 "rows of another status"
equals "$(sql 'select count(distinct marker) from seen')" $((total * 2)) "texts that the LLM saw"
equals "$(sql "select count(*) from sync_changes where client_id = 'mana-ai-runner'")" "$total" "iterations"

# The kills did hit runs: before the call, and in it.
interrupted=$(sql 'select count(*) from (select from audited group by user_id, mission_id having count(distinct run_id) > 1) m')
unused=$(sql "select count(distinct a.run_id) from audited a where not exists (select from seen s where s.marker = a.marker and s.k = a.k)")
expect "some runs were interrupted" test "$interrupted" -gt 0

for nick in "${users[@]}"; do
  run_audit_verify "$nick" >>"$work/verify.out" || fail "mana-ai audit verify: the chain of $nick is bad"
  chain_of "$(user_of "$nick")" | browser "$nick" verify-rows >/dev/null
done
sql "select format('%s runs in %s calls; %s missions interrupted, %s runs ended between audit and call; audit before call: least %s ms, median %s ms',
  (select count(distinct run_id) from audited), (select count(distinct call) from seen), $interrupted, $unused,
  round(min(extract(epoch from s.at - a.committed) * 1000), 2),
  round((percentile_cont(0.5) within group (order by extract(epoch from s.at - a.committed) * 1000))::numeric, 2))
  from seen s join audited a using (marker, k)"
