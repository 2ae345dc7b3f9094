#!/usr/bin/env bash
# Keys change while the service lives: the runner's RSA pair, under load too, the key that wraps vaults, and a user's
# master key.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"
# shellcheck source-path=SCRIPTDIR source=harness_slots.sh
source "$(dirname "$0")/harness_slots.sh"

make_keys
next=$work/next-keys
make_keys "$next"
start_database
start_auth
start_witness
for nick in anna ben; do sign_up "$nick"; done
anna=$(user_of anna)
insert_goal "$anna" goal-1

restart_auth() { # with the files that the variables name by then
  stop_process auth
  equals "$exit_code" 0 "exit code of auth"
  start_auth
}

# prepare <mission>: its rows, granted now, in a file until they are written.
prepare() {
  {
    note "$1" "$(marker "$1")"
    mission_on "$1" "notes:$1"
  } | browser anna rows >"$work/$1.prepared"
}
# run_with <file of private keys> <mission...>: a runner of these keys plans them.
run_with() {
  local private_key_file=$1 mission
  shift
  start_granted runner
  wait_for 30 "the runner is ready" is_ready runner
  for mission in "$@"; do write_rows anna <"$work/$mission.prepared"; done
  tick runner >/dev/null
  for mission in "$@"; do planned_well "$anna" "$mission"; done
  skipped=$(metric runner grant_skips_total 'reason="wrap-rejected"')
  stop_process runner
  equals "$exit_code" 0 "exit code of the runner"
}
opened() { expect "the text of $1" saw "$(marker "$1")"; }
closed() { expect "no text of $1" saw_not "$(marker "$1")"; }

# -- the runner's pair --------------------------------------------------------------------------------------------

for n in 1 2 3; do prepare "first-$n"; done
previous_private_key=$private_key_file
private_key_file=$next/mana-ai-private.pem
public_key_file=$next/mana-ai-public.pem
cat "$private_key_file" "$previous_private_key" >"$work/both.pem"
restart_auth
for n in 1 2 3; do prepare "second-$n"; done

run_with "$previous_private_key" first-1 second-1
opened first-1
closed second-1
equals "$skipped" 1 "grants for a key that the runner has not yet"

run_with "$work/both.pem" first-2 second-2
opened first-2
opened second-2
equals "$skipped" 0 "grants skipped with both keys"

run_with "$private_key_file" first-3 second-3
closed first-3
opened second-3
equals "$skipped" 1 "grants for a key that the runner has no longer"

# -- the runner's pair, under load, in the order of the runbook ---------------------------------------------------

third=$work/third-keys
make_keys "$third"
runners=()
# start_loaded <place>-<its keys>: ticks by itself. The grace is shorter than most LLM calls, so that runs of granted
# missions are handed back; the lease outlives the test.
start_loaded() {
  start_granted "$1" TICK_ENABLED=true TICK_INTERVAL_MS=1000 MAX_RUNS_PER_USER=64 TOKENS_PER_DAY=0 RUNS_PER_HOUR=0 \
    MAX_OPEN_ITERATIONS=1000 SHUTDOWN_GRACE_MS=100 LEASE_MS=600000
  runners+=("$1")
  wait_for 30 "$1 is ready" is_ready "$1"
}
# replace_keys <keys before> <keys after>: one runner after the other, each has planned before the next one goes.
replace_keys() {
  local place
  for place in left right; do
    start_loaded "$place-$2"
    stop_process "$place-$1"
    equals "$exit_code" 0 "exit code of $place-$1"
    wait_for 30 "$place-$2 plans" has_planned "$place-$2"
  done
}
# grant_missions <name> <n>: granted by auth as it is now, and written.
grant_missions() {
  local id more_mission="{\"cadence\": $slot_cadence, \"nextRunAt\": null}"
  for id in $(seq -f "$1-%g" "$2"); do
    note "$id" "$(marker "$id")"
    mission_on "$id" "notes:$id"
  done | seal_and_write anna
}
# has_run <runner> <missions>: some of the missions of that name.
has_run() { (($(grep '"outcome":"planned"' "$work/$1.log" | grep -c "\"mission\":\"$2-" || true) >= 5)); }
have_run() {
  local runner name
  for runner in "left-$1" "right-$1"; do
    for name in of-old of-new; do wait_for 30 "$runner runs missions $name" has_run "$runner" "$name"; done
  done
}

start_witness --latency-ms 100 --up-to-ms 300
for place in left right; do start_loaded "$place-old"; done
grant_missions of-old 30
start_feeding 30
for place in left right; do wait_for 30 "$place-old plans" has_planned "$place-old"; done

cat "$third/mana-ai-private.pem" "$private_key_file" >"$work/old-and-third.pem"
private_key_file=$work/old-and-third.pem
replace_keys old both

public_key_file=$third/mana-ai-public.pem
restart_auth
grant_missions of-new 30
have_run both

private_key_file=$third/mana-ai-private.pem
replace_keys both new
have_run new
stop_feeding
each_slot_planned_once
# Only grants of the key that is gone are skipped, with the reason, and in nobody's eyes for another one.
skipped=$(for place in left right; do metric "$place-new" grant_skips_total 'reason="wrap-rejected"'; done | jq -s add)
skipped_at_all=$(for place in left right; do metric "$place-new" grant_skips_total; done | jq -s add)
for place in left right; do
  stop_process "$place-new"
  equals "$exit_code" 0 "exit code of $place-new"
done
gather "${runners[@]}"
equals "$(events "$runs and $planned" 'map("\(.replica | sub(".*-"; "")) \(.mission | sub("-[0-9]+$"; "")): \(.grant) \(.decrypted_records)") | unique')" \
  '["both of-new: opened 1","both of-old: opened 1","new of-new: opened 1","new of-old: wrap-rejected 0","old of-old: opened 1"]' \
  "what runners of which keys did with which grants, and the records they opened"
equals "$skipped" "$(events "$runs and .grant == \"wrap-rejected\"" length)" "grants skipped, by the metric"
equals "$skipped_at_all" "$skipped" "grants skipped for any reason"
handed_back=$(events '.event == "stopped"' 'map(.handed_back) | add')
echo "under load: $slots slots planned once, $handed_back runs handed back, $skipped grants of the removed key skipped"
expect "slots through all of it" test "$slots" -ge 150

# -- the key that wraps vaults ------------------------------------------------------------------------------------

kek_of() {
  call "$1" GET "$(vault_url status)"
  jq -r .kekId <<<"$http_body"
}
master_key_of() {
  browser "$1" fetch-key
  jq -r .masterKey "$work/$1.session"
}
key_before=$(jq -r .masterKey "$work/anna.session")
key_of_ben=$(jq -r .masterKey "$work/ben.session")
old_kek=$(<"$keys/mana-auth-kek.txt")
new_kek=$(<"$next/mana-auth-kek.txt")
equals "$(kek_of anna)" "${old_kek%%:*}" "the key that wraps the vault"

kek_file=$work/keks.txt
echo "$new_kek,$old_kek" >"$kek_file"
restart_auth
[[ $(master_key_of anna) == "$key_before" ]] || fail "the master key changed with the key that wraps it"
equals "$(kek_of anna)" "${new_kek%%:*}" "the key that wraps the vault after it was read"
equals "$(kek_of ben)" "${old_kek%%:*}" "the key that wraps a vault that was not read"

kek_file=$next/mana-auth-kek.txt
restart_auth
[[ $(master_key_of anna) == "$key_before" ]] || fail "the master key is another one without the old key"
refuses 503 VAULT_KEY_UNKNOWN ben GET "$(vault_url key)"

kek_file=$work/keks.txt
restart_auth
[[ $(master_key_of ben) == "$key_of_ben" ]] || fail "the master key of the vault that waited is another one"

# -- a user's master key ------------------------------------------------------------------------------------------

call anna POST "$(vault_url rotate)"
equals "$http_status $(jq -c keys <<<"$http_body")" '200 ["masterKey","previousMasterKey"]' "a new master key"
[[ $(jq -r .previousMasterKey <<<"$http_body") == "$key_before" ]] || fail "the previous master key is another one"
[[ $(master_key_of anna) == "$(jq -r .masterKey <<<"$http_body")" ]] || fail "the vault does not hold the new master key"
[[ $(master_key_of anna) != "$key_before" ]] || fail "the master key is the old one"
prepare rotated
run_with "$private_key_file" rotated
opened rotated
expect "nothing confidential in logs" test -z "$(grep -lE 'MARK-|masterKey|PRIVATE KEY' "$work"/{runner,auth,left-*,right-*}.log || true)"
