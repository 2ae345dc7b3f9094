#!/usr/bin/env bash
# While the audit cannot be written, no decrypted text leaves the runner: missions go on with what is readable without
# it, one that has nothing else ends as failed and says why, and ticks go on. Afterwards all is as before.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

make_keys
start_database
start_witness
without_auth anna
user=$(user_of anna)
insert_goal "$user" goal-1
start_granted runner "${quick_retries[@]}" AUDIT_TIMEOUT_MS=500
wait_for 30 "the runner is ready" is_ready runner

# three_missions <round>: with sealed inputs alone, with a goal as well, and without a grant.
three_missions() {
  local round=$1 kind
  for kind in sealed mixed; do note "$round-$kind" "$(marker "$round-$kind")"; done | seal_and_write anna
  {
    more_mission="{\"inputs\": [{\"module\": \"notes\", \"table\": \"notes\", \"id\": \"$round-sealed\"}]}" \
      mission_on "$round-sealed" "notes:$round-sealed"
    mission_on "$round-mixed" "notes:$round-mixed"
  } | seal_and_write anna own-grants
  insert_mission "$user" "$round-plain"
}

without_audit() {
  local round=$1 kind
  three_missions "$round"
  equals "$(tick runner | jq -c '[.dueMissionCount, .plansWrittenBack, (.errors | map(sub(":.*"; "")))]')" \
    "[3,2,[\"$round-sealed\"]]" "the tick's report, $round"
  planned_well "$user" "$round-plain"
  planned_well "$user" "$round-mixed"
  wait_for 10 "a failed iteration of the mission that had nothing else, $round" failed_visibly "$user" "$round-sealed"
  expect "it says why" grep -q 'protokolliert' <<<"$(iteration "$user" "$round-sealed")"
  for kind in sealed mixed; do expect "no text of $round-$kind" saw_not "$(marker "$round-$kind")"; done
}

with_audit() {
  local round=$1 kind
  three_missions "$round"
  tick runner >/dev/null
  for kind in plain mixed sealed; do planned_well "$user" "$round-$kind"; done
  for kind in mixed sealed; do
    expect "the text of $round-$kind" saw "$(marker "$round-$kind")"
    equals "$(audited "$round-$kind")" 1 "audit rows of $round-$kind"
  done
}
audited() { sql "select count(*) from mana_ai.decrypt_audit where mission_id = '$1' and status = 'ok'"; }

# block <sql>: a session that runs it and keeps its transaction open.
block() {
  PGAPPNAME=blocker psql_on "$superuser_url" -o /dev/null -c "$1; select pg_sleep(600)" >/dev/null 2>&1 &
  wait_for 10 "the other session blocks" blocks
}
blocks() { [[ $(sql "select count(*) from pg_stat_activity where application_name = 'blocker' and query ~ 'pg_sleep'
  and wait_event = 'PgSleep'") == 1 ]]; }
unblock() { sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'blocker'" >/dev/null; }

with_audit before

sql 'revoke insert on mana_ai.decrypt_audit from mana_ai_runner'
without_audit unwritable
sql 'grant insert on mana_ai.decrypt_audit to mana_ai_runner'
with_audit writable

block 'lock table mana_ai.decrypt_audit in access exclusive mode'
without_audit locked
unblock
with_audit unlocked

block "select pg_advisory_xact_lock(mana_ai.audit_lock_key('$user'))"
without_audit chain-taken
unblock
with_audit chain-free

# A write that was given up may still have succeeded: then there is a row for something that was not used, never the
# other way round.
run_audit_verify anna >/dev/null || fail "the chain is bad"
stop_process runner
equals "$exit_code" 0 "exit code"
