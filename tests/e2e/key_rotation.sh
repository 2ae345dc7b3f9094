#!/usr/bin/env bash
# Keys change while the service lives: the runner's RSA pair, the key that wraps vaults, and a user's master key.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

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
expect "nothing confidential in logs" test -z "$(grep -lE 'MARK-|masterKey|PRIVATE KEY' "$work"/{runner,auth}.log || true)"
