#!/usr/bin/env bash
# A provider's bad day at a sixtieth of its length: five seconds each of 429, of hanging and of a full outage, with
# calm weather between. Missions become due at a steady rate all the time. At most 1.2 calls per success, the rate is back
# within a second of each storm, and every slot ends exactly once.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

per_second=40 users=50 phase_seconds=33
missions=$((per_second * phase_seconds))
# A sixtieth of the defaults.
scaled=(LLM_FIRST_BYTE_TIMEOUT_MS=1000 LLM_TOTAL_TIMEOUT_MS=2000 LLM_BACKOFF_BASE_MS=10 LLM_BACKOFF_MAX_MS=330
  CIRCUIT_OPEN_MS=170 CIRCUIT_OPEN_MAX_MS=500 RETRY_BASE_MS=200 RETRY_MAX_MS=2000 MAX_ATTEMPTS=5 LLM_MAX_IN_FLIGHT=32)
phases=calm:5,limiting:5,settling:1,calm:3,hanging:5,settling:1,calm:3,cutting:5,settling:1,calm:3,calm:1

start_database
python3 "$checkout/tests/e2e/stormy_llm.py" --latency-ms 50 --phases "$phases" >"$work/stormy_llm.port" \
  2>"$work/stormy_llm.log" &
process_pid[stormy_llm]=$!
wait_for 10 "the stormy LLM listens" test -s "$work/stormy_llm.port"
llm_url=http://127.0.0.1:$(<"$work/stormy_llm.port")
start_runner runner "${scaled[@]}" TICK_INTERVAL_MS=1000
wait_for 30 "the runner is ready" is_ready runner

# Mission n of all is due n / per_second from now on, a little later.
psql_on "$superuser_url" -o /dev/null -v missions="$missions" -v users="$users" -v rate="$per_second" <<'SQL'
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
select 'ai', 'aiMissions', 'mission-' || n, user_id, 'e2e-browser', 'insert',
       jsonb_build_object('id', 'mission-' || n, 'userId', user_id, 'createdAt', stamp, 'updatedAt', stamp,
         'title', 'Fit bleiben', 'objective', 'Hilf mir, mein Ziel zu erreichen.', 'conceptMarkdown', '', 'state', 'active',
         'inputs', '[]'::jsonb, 'iterations', '[]'::jsonb, 'timeZone', 'Europe/Berlin',
         'cadence', '{"kind": "daily", "atHour": 7, "atMinute": 0}'::jsonb,
         'nextRunAt', to_char((now() + interval '2 s' + n * interval '1 s' / :rate) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
       '{"kind": "user"}'
from generate_series(0, :missions - 1) n,
     lateral (select 'user-' || n % :users, to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) x (user_id, stamp);
SQL

ended() { sql "select count(distinct record_id) from sync_changes where client_id = 'mana-ai-runner'"; }
all_ended() { [[ $(ended) == "$missions" ]]; }
wait_for 90 "every slot ends" all_ended

record=$(curl -sS "$llm_url/record")
printf '%-10s %6s %9s\n' weather calls successes
jq -r '.[] | [.weather, .calls, .successes] | @tsv' <<<"$record" | xargs -n 3 printf '%-10s %6s %9s\n'
read -r calls successes <<<"$(jq -r '[(map(.calls) | add), (map(.successes) | add)] | @tsv' <<<"$record")"
printf 'calls per success: %s\n' "$(jq -n "$calls / $successes * 1000 | round / 1000")"
failed=$(sql "select count(*) from sync_changes where client_id = 'mana-ai-runner' and data::text like '%\"failed\"%'")
printf 'slots: %s due, %s planned, %s failed visibly\n' "$missions" $((missions - failed)) "$failed"

expect "at most 1.2 calls per success" test $((calls * 10)) -le $((successes * 12))
# The calm after each storm, three seconds each, a scaled minute after its end.
for n in 3 6 9; do
  expect "the rate is back in phase $n" test "$(jq ".[$n].successes" <<<"$record")" -ge $((per_second * 3 * 9 / 10))
done
equals "$(sql "select count(*) from sync_changes where client_id = 'mana-ai-runner'")" "$missions" "write-backs"
equals "$(sql "select count(distinct i ->> 'id') from sync_changes c, jsonb_array_elements(c.data -> 'iterations') i
               where c.client_id = 'mana-ai-runner'")" "$missions" "iterations"
expect "a storm is no reason to give up on many slots" test "$failed" -le $((missions / 20))
# What the runner says of itself agrees, but for calls that never reached the provider or were sent twice.
attempts=$(request runner GET /metrics | awk '/^mana_ai_llm_attempts_total/ { n += $2 } END { print n + 0 }')
expect "the runner counts its calls" test "$attempts" -le $((calls * 11 / 10)) -a "$attempts" -ge $((calls * 9 / 10))
stop_process runner
equals "$exit_code" 0 "exit code of the runner"
