#!/usr/bin/env bash
# A tab plans a due mission for its user through the service's own LLM endpoint; meanwhile the server does not, and
# afterwards the slot is done. A tab that is killed leaves the slot to the server, without a word of a crash. Limits on
# a user's calls answer 429 and say when to come back.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

# start_for_tabs <name> [NAME=value...]: a runner whose users are known.
start_for_tabs() { start_runner "$1" MANA_AUTH_URL="$auth_url" JWT_ISSUER="$auth_url" LEASE_MS=2000 "${@:2}"; }
access_token() { jq -r .accessToken "$work/$1.session"; }
tab_program=$checkout/tests/e2e/browser/tab.mjs
# tab <name> <nick> <command> [argument...]: what the tab prints.
tab() { node "$tab_program" "$3" "http://127.0.0.1:${process_port[$1]}" "$(access_token "$2")" "${@:4}"; }
# start_tab <name> <nick> <mission>: holds the mission's slot until it is killed; the lease is in hold.json.
start_tab() {
  node "$tab_program" hold "http://127.0.0.1:${process_port[$1]}" "$(access_token "$2")" "$3" \
    >"$work/hold.json" 2>"$work/tab.log" &
  process_pid[tab]=$!
}
# my <name> <nick> <path>: what the service tells the user.
my() { curl -sS -H "Authorization: Bearer $(access_token "$2")" "http://127.0.0.1:${process_port[$1]}/api/v1/me/$3"; }
mine() { my "$1" "$2" missions | jq -c --arg id "$3" '.missions[] | select(.missionId == $id)'; }
# push_update <nick> <mission> <data> <stamps>: as the sync service would.
push_update() {
  psql_on "$sync_url" -o /dev/null -v user="$(user_of "$1")" -v id="$2" -v data="$3" -v stamps="$4" <<'SQL'
begin;
select set_config('app.current_user_id', :'user', true);
insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor)
values ('ai', 'aiMissions', :'id', :'user', 'e2e-tab', 'update', :'data', :'stamps',
        '{"kind": "user"}');
commit;
SQL
}

make_keys
start_database
start_auth
start_standin
sign_up anna
anna=$(user_of anna)
insert_goal "$anna" goal-1
# Claims nothing by itself: the tab comes first.
start_for_tabs quiet TICK_ENABLED=false LLM_IS_STANDIN=true
wait_for 30 "the runner is ready" is_ready quiet

# -- the tab plans, the server does not ---------------------------------------------------------------------------

insert_mission "$anna" "planned held"
tab quiet anna run planned >"$work/run.json"
expect "tokens of the tab's call are counted" test "$(my quiet anna missions | jq .budget.tokensToday)" -gt 0
equals "$(tick quiet | jq -c '[.dueMissionCount, .plansWrittenBack]')" '[1,1]' "the server's tick beside the tab's run"
planned_well "$anna" held
equals "$(write_backs "$anna" planned)" 0 "write-backs of the server on the tab's mission"
equals "$(mine quiet anna planned | jq -c '[.notRunningBecause, .leasedBy]')" '["running","browser"]' "the tab's mission"
expect "a second tab is refused" test "$(tab quiet anna run planned || true)" == MISSION_RUNNING
push_update anna planned "$(jq -c .data "$work/run.json")" "$(jq -c .stamps "$work/run.json")"
tab quiet anna end planned "$(jq -r .lease.leaseToken "$work/run.json")"
equals "$(tick quiet | jq -c '[.dueMissionCount, .plansWrittenBack]')" '[0,0]' "the server's tick after the tab's run"
equals "$(mine quiet anna planned | jq -c '[.notRunningBecause, .leasedBy, .attempts]')" '["not-due",null,0]' \
  "the mission afterwards"
equals "$(iteration_ids "$anna" planned)" 1 "iterations of the slot"
equals "$(write_backs "$anna" planned)" 0 "write-backs of the server"
expect "a tab is told that nothing is due" test "$(tab quiet anna run planned || true)" == NOT_DUE
equals "$(my quiet anna llm | jq -c '[.host, .standIn, .maxTokens]')" "[\"${llm_url#http://}\",true,2000]" \
  "where text goes"

# -- a tab that is killed -----------------------------------------------------------------------------------------

insert_mission "$anna" abandoned
start_tab quiet anna abandoned
wait_for 20 "the tab has the slot" test -s "$work/hold.json"
start_for_tabs second
wait_for 30 "the second runner is ready" is_ready second
holds_for 4 "the server leaves the tab's slot alone" test "$(write_backs "$anna" abandoned)" == 0
equals "$(mine second anna abandoned | jq -r .leasedBy)" browser "who has the mission"
stop_process tab KILL
wait_for 20 "the server plans after the lease" has_iteration "$anna" abandoned
planned_well "$anna" abandoned
equals "$(iteration "$anna" abandoned | jq -r .id)" "$(jq -r .iterationId "$work/hold.json")" "the slot's iteration"
equals "$(logged second '.event == "run_finished"' | jq -c '[.mission, .attempt, .outcome]')" \
  '["abandoned",1,"planned"]' "the server's run: no attempt and no crash before it"
has_logged second '.event == "leases_rescued"' || has_logged quiet '.event == "leases_rescued"' ||
  fail "no leases_rescued in the log"
stop_process second
equals "$exit_code" 0 "exit code of the second runner"

# -- limits -------------------------------------------------------------------------------------------------------

start_for_tabs limited TICK_ENABLED=false LLM_CALLS_PER_MINUTE=2
wait_for 30 "the limited runner is ready" is_ready limited
tab limited anna ask 3 >"$work/asked"
equals "$(cut -d' ' -f1,2 "$work/asked" | paste -sd,)" "200 ok,200 ok,429 RATE_LIMITED" "three calls in a minute"
expect "it says when to come back" test "$(sed -n 3p "$work/asked" | cut -d' ' -f3)" -ge 1
sql "insert into mana_ai.user_limits (user_id, tokens_per_day) values ('$anna', 1)" >/dev/null
tab quiet anna ask 1 >"$work/asked"
equals "$(cut -d' ' -f1,2 "$work/asked")" "429 TOKEN_BUDGET_SPENT" "a call without tokens"
expect "it comes back within a day" test "$(cut -d' ' -f3 "$work/asked")" -le 86400
expect "no prompt is in the logs" test "$(grep -l 'Fit bleiben' "$work"/*.log | wc -l)" == 0
for name in limited quiet; do
  stop_process "$name"
  equals "$exit_code" 0 "exit code of $name"
done
