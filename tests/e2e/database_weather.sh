#!/usr/bin/env bash
# Missions become due one after the other while sessions are terminated every 100 ms, the database is read-only, its disk
# is full, and PostgreSQL crashes: afterwards every slot is planned exactly once by the same process, and its log is
# neither flooded nor does it hold a secret.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

start_database
start_standin STANDIN_LATENCY_MS=100
insert_goal anna goal-1
# Trouble of the database must not use up the attempts of a slot within seconds.
start_runner runner TICK_INTERVAL_MS=1000 MAX_RUNS_PER_USER=100 MAX_ATTEMPTS=20 RETRY_BASE_MS=200 \
  RETRY_MAX_MS=1000 RUNS_PER_HOUR=0 TOKENS_PER_DAY=0
wait_for 30 "the runner is ready" is_ready runner
pid=${process_pid[runner]}

# due_soon <name>: 30 missions of anna, of which one becomes due every 100 ms, from one second on.
batches=()
due_soon() {
  batches+=("$1")
  psql_on "$sync_url" -o /dev/null -v name="$1" -v iso="'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'" <<'SQL'
begin;
select set_config('app.current_user_id', 'anna', true);
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select 'ai', 'aiMissions', id, 'anna', 'e2e-browser', 'insert', jsonb_build_object(
         'id', id, 'userId', 'anna', 'createdAt', to_char(now() at time zone 'UTC', :iso), 'updatedAt', to_char(now() at time zone 'UTC', :iso), 'title', 'Fit bleiben',
         'objective', 'Hilf mir, mein Ziel zu erreichen.', 'conceptMarkdown', '', 'state', 'active',
         'inputs', '[{"module": "goals", "table": "companionGoals", "id": "goal-1"}]'::jsonb, 'iterations', '[]'::jsonb,
         'cadence', '{"kind": "daily", "atHour": 7, "atMinute": 0}'::jsonb,
         'nextRunAt', to_char((now() + interval '1 s' + n * interval '100 ms') at time zone 'UTC', :iso)), '{"kind": "user"}'
from generate_series(1, 30) n, format('%s-%s', :'name', n) id;
commit;
SQL
}
planned() { # <name>
  [[ $(sql "select count(*) from sync_changes where client_id = 'mana-ai-runner' and record_id like '$1-%'") -ge 30 ]]
}
in_trouble() { has_logged runner ".event == \"trouble\" and (.error == \"$1\" or (.detail | contains(\"$1\")))"; }

due_soon terminated
timeout 4 "$postgres_bin/psql" -X -q -o /dev/null -d "$superuser_url" <<'SQL' || [[ $? == 124 ]]
select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'mana_ai_runner' \watch 0.1
SQL
wait_for 30 "what was due while sessions were terminated" planned terminated

due_soon read-only
sql "begin; alter database $database set default_transaction_read_only = on;
     select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'mana_ai_runner'; commit" >/dev/null
wait_for 20 "the log says that the database is read-only" in_trouble database_read_only
sql "begin read write; alter database $database reset default_transaction_read_only; commit" >/dev/null
wait_for 30 "what was due while the database was read-only" planned read-only

# A disk of its own for the tables, as small as they are.
disk=$work/postgres/disk
make_service_dir "$disk"
if mount -t tmpfs -o "size=64m,uid=$(id -u "$(service_user)"),mode=0700" tmpfs "$disk" 2>/dev/null; then
  mounted+=("$disk")
  make_service_dir "$disk/tables"
  sql "create tablespace small location '$disk/tables'"
  for table in public.sync_changes mana_ai.mission_snapshots; do sql "alter table $table set tablespace small"; done
  due_soon disk-full
  dd if=/dev/zero of="$disk/filler" bs=1M 2>/dev/null || true
  wait_for 20 "the log says that the disk is full" in_trouble "No space left"
  rm "$disk/filler"
  wait_for 30 "what was due while the disk was full" planned disk-full
else
  echo "skipped: a full disk (no right to mount a tmpfs)"
fi

due_soon crash
stop_cluster immediate
wait_for 20 "the log says that the server is gone" in_trouble "Connection refused"
start_cluster
wait_for 30 "what was due around the crash" planned crash

wait_for 20 "nothing is left to do" reasons_are runner anna "{\"waiting-for-review\":$((${#batches[@]} * 30))}"
for name in "${batches[@]}"; do
  equals "$(sql "
    select count(*), count(distinct record_id), count(distinct i ->> 'id'),
           count(*) filter (where i ->> 'overallStatus' = 'awaiting-review')
    from sync_changes c, jsonb_array_elements(c.data -> 'iterations') i
    where c.client_id = 'mana-ai-runner' and c.record_id like '$name-%'")" "30|30|30|30" "plans of $name"
done

expect "the same process" alive runner
equals "${process_pid[runner]}" "$pid" "pid of the service"
expect "no actor died" test -z "$(logged runner '.event == "actor_restarted" or .event == "gave_up"')"
lines=$(logged runner '.event != "run_finished"' | wc -l)
((lines < 150)) || fail "the log is flooded: $lines lines beside one per run"
for secret in "$runner_password" "$MIGRATOR_PASSWORD" "$service_key"; do
  expect "the log holds no secret" test 0 = "$(grep -c -F -- "$secret" "$work/runner.log")"
done
stop_process runner
equals "$exit_code" 0 "exit code"
echo "log: $lines lines beside $(logged runner '.event == "run_finished"' | wc -l) runs"
