#!/usr/bin/env bash
# What scripts that need missions to become due all the time share on top of harness.sh: every second missions get
# another slot, in the end each slot has one plan. It works on the missions with the cadence slot_cadence: what the
# runner plans next for them is far away, so that all their slots come from here. They start without one.
# shellcheck disable=SC2034,SC2154 # variables that the scripts read; those of harness.sh
slot_minutes=1440
slot_cadence="{\"kind\": \"interval\", \"everyMinutes\": $slot_minutes}"

# Missions whose slot is over, those that rest longest first, get another one within the next second and a half.
move_slots() {
  psql_on "$superuser_url" -o /dev/null -v n="$1" -v minutes="$slot_minutes" <<'SQL'
with idle as (
  select s.user_id, s.mission_id, coalesce(d.number, 0) + 1 as number
  from mana_ai.mission_snapshots s
  left join lateral (select number, slot_at from public.due d
                     where (d.user_id, d.mission_id) = (s.user_id, s.mission_id) order by number desc limit 1) d on true
  where s.record #>> '{cadence,everyMinutes}' = :'minutes'
    and (d.number is null or s.slot_at = d.slot_at + :minutes * interval '1 min')
  order by d.slot_at nulls first limit :n),
moved as (
  insert into public.due
  select user_id, mission_id, number,
         date_trunc('milliseconds', clock_timestamp() + interval '0.5 s' + random() * interval '1 s')
  from idle returning *)
insert into public.sync_changes
  (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor)
select 'ai', 'aiMissions', mission_id, user_id, 'e2e-browser', 'update', data,
       (select jsonb_object_agg(field, stamp) from jsonb_object_keys(data) field), '{"kind": "user"}'
from moved,
     lateral (select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) s (stamp),
     lateral (select jsonb_build_object('title', 'Mission ' || mission_id || ' Slot ' || number, 'updatedAt', stamp,
       'nextRunAt', to_char(slot_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) d (data);
SQL
}

# start_feeding <slots per second>: what is due is in table public.due. Fewer when missions are planned more slowly.
start_feeding() {
  # A row of the runner ends the slot that lies one cadence before the next run it names.
  psql_on "$superuser_url" -o /dev/null -v minutes="$slot_minutes" <<'SQL'
create table public.due (
  user_id text, mission_id text, number int, slot_at timestamptz, primary key (user_id, mission_id, number));
create view public.written as
select user_id, record_id as mission_id, (data ->> 'nextRunAt')::timestamptz - :minutes * interval '1 min' as slot_at
from public.sync_changes c
where client_id = 'mana-ai-runner' and exists (select from public.due d where (d.user_id, d.mission_id) = (c.user_id, c.record_id));
create view public.iterations as
select distinct c.user_id, c.record_id as mission_id, i ->> 'id' as id, i ->> 'overallStatus' as status
from public.sync_changes c, jsonb_array_elements(c.data -> 'iterations') i where c.table_name = 'aiMissions';
SQL
  while [[ ! -e $work/fed ]]; do
    move_slots "$1"
    sleep 1
  done 2>"$work/feed.log" &
  process_pid[feeder]=$!
}
all_slots_planned() {
  [[ $(sql "select count(*) from public.due d where not exists (select from public.written w
            where (w.user_id, w.mission_id, w.slot_at) = (d.user_id, d.mission_id, d.slot_at))") == 0 ]]
}
# Sets slots, how many were due; all are over when it returns.
stop_feeding() {
  touch "$work/fed"
  wait "${process_pid[feeder]}" || fail "slots could not be moved"
  unset "process_pid[feeder]"
  slots=$(sql "select count(*) from public.due")
  wait_for 60 "every slot ends" all_slots_planned
}
# None lost, none doubled, none failed, and nothing is left of any run.
each_slot_planned_once() {
  equals "$(sql "select d.user_id, d.mission_id, d.number, count(w) from public.due d
    left join public.written w using (user_id, mission_id, slot_at) group by 1, 2, 3 having count(w) <> 1")" '' \
    "slots that were not written once"
  equals "$(sql "select * from public.written w where not exists (select from public.due d
    where (d.user_id, d.mission_id, d.slot_at) = (w.user_id, w.mission_id, w.slot_at))")" '' "rows about no slot"
  equals "$(sql "select user_id, mission_id, due, found
    from (select user_id, mission_id, count(*) as due from public.due group by 1, 2) d
    left join (select user_id, mission_id, count(distinct id) as found from public.iterations group by 1, 2) i
      using (user_id, mission_id) where found is distinct from due")" '' "missions with more or fewer iterations than slots"
  equals "$(sql "select count(*) from public.iterations where status = 'failed'")" 0 "failed iterations"
  equals "$(sql "select user_id, mission_id, attempt, crashes, hold, lease_owner from mana_ai.mission_snapshots
    where (attempt <> 0 or crashes <> 0 or hold is not null or lease_token is not null)
      and (user_id, mission_id) in (select user_id, mission_id from public.due)")" '' "missions that are not at rest"
}

has_planned() { (($(grep -c '"outcome":"planned"' "$work/$1.log" || true) >= 10)); }

# gather <name...>: the log lines of these runners with `replica`, in events.jsonl; events <jq condition> <jq of the
# array>. No run ends otherwise than planned with its slot's first attempt, or handed back, which is none.
gather() {
  local name
  for name in "$@"; do logged "$name" true | jq -c --arg replica "$name" '. + {$replica}'; done >"$work/events.jsonl"
  equals "$(events "$runs and $planned and .attempt != 1" length)" 0 "plans of an attempt after the first"
  equals "$(events "$runs and ($planned | not) and .error != \"shutting_down\"" '.[:3]')" '[]' "runs that ended otherwise"
  equals "$(events '.event == "stopped"' length)" $# "replicas that stopped in order"
}
events() { jq -cn "[inputs | select($1)] | $2" "$work/events.jsonl"; }
runs='.event == "run_finished"' planned='.outcome == "planned"'
