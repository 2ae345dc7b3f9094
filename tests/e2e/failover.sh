#!/usr/bin/env bash
# The database fails over while missions run: its primary dies without a word, a synchronous standby is promoted, and
# the same process goes on there, by the list of servers in its URL. Every slot is planned exactly once.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

standby=$work/standby
# A copy that follows the primary, and without which no commit is answered from now on.
start_standby() {
  make_service_dir "$standby"
  cp -p "$work/postgres/superuser.password" "$standby/"
  PGPASSWORD=$(<"$standby/superuser.password") as_service_user "$postgres_bin/pg_basebackup" --no-sync \
    --checkpoint=fast --write-recovery-conf --pgdata="$standby/data" \
    --dbname="postgresql://postgres@$database_server/?application_name=standby"
  clusters+=("$standby")
  cluster_start "$standby" '' yes
  sql "alter system set synchronous_standby_names = 'standby'" >/dev/null
  sql "select pg_reload_conf()" >/dev/null
  wait_for 20 "commits wait for the standby" is_synchronous
}
is_synchronous() { [[ $(sql "select sync_state from pg_stat_replication") == sync ]]; }
# From here on the scripts' own sessions go there, too.
promote_standby() {
  as_service_user "$postgres_bin/pg_ctl" promote -s -w -t 60 -D "$standby/data"
  superuser_url=$(cluster_url "$standby" "$database")
  sync_url=postgresql://mana_sync:$SYNC_PASSWORD@127.0.0.1:$(<"$standby/port")/$database
}
not_ready() { [[ $(status runner /ready) == 503 ]]; }
listener_is_healthy() { [[ $(request runner GET /metrics | awk '/^mana_ai_listener_healthy/ { print $2 }') == 1 ]]; }

start_database
start_standby
start_standin STANDIN_LATENCY_MS=2000
servers=$database_server,127.0.0.1:$(<"$standby/port")
start_runner runner TICK_INTERVAL_MS=3600000 MAX_RUNS_PER_USER=100 LEASE_MS=10000 \
  SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$servers/$database?target_session_attrs=read-write"
pid=${process_pid[runner]}
wait_for 30 "the runner is ready" is_ready runner
wait_for 20 "the listener hears its own check" listener_is_healthy

missions=$(echo mission-{1..20})
for user in anna ben; do insert_goal "$user" goal-1; done
insert_mission anna "$missions"
wait_for 20 "all missions of anna run" reasons_are runner anna '{"running":20}'
stop_cluster immediate
wait_for 10 "/ready says that the database is gone" not_ready
promote_standby
wait_for 30 "the service is ready again" is_ready runner
wait_for 40 "the plans of anna" reasons_are runner anna '{"waiting-for-review":20}'
for id in $missions; do planned_well anna "$id"; done

# Notifications come from the new primary.
wait_for 20 "the listener hears its own check there" listener_is_healthy
insert_mission ben "$missions"
wait_for 20 "the plans of ben, without a tick" reasons_are runner ben '{"waiting-for-review":20}'
for id in $missions; do planned_well ben "$id"; done
expect "the same process" alive runner
equals "${process_pid[runner]}" "$pid" "pid of the service"
expect "no actor died" test -z "$(logged runner '.event == "actor_restarted" or .event == "gave_up"')"
stop_process runner
equals "$exit_code" 0 "exit code"
