#!/usr/bin/env bash
# An attacker who may write the change log, in the name of any user, but has no key: each edit of a grant or of a sealed
# value is refused with its reason, leaves its trail, and costs the mission nothing but the data.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

make_keys
start_database
start_auth
start_witness
for nick in anna ben; do
  sign_up "$nick"
  insert_goal "$(user_of "$nick")" goal-1
done
anna=$(user_of anna)
ben=$(user_of ben)

# granted <nick> <mission> [record...]: a mission with a valid grant for notes of these names, default its own; each
# note holds its own marker.
granted() {
  local nick=$1 mission=$2 record names=()
  local records=("${@:3}")
  ((${#records[@]})) || records=("$mission-note")
  for record in "${records[@]}"; do names+=("notes:$record"); done
  {
    for record in "${records[@]}"; do note "$record" "$(marker "$nick/$record")"; done
    mission_on "$mission" "${names[@]}"
  } | seal_and_write "$nick"
}

# -- grants that were edited --------------------------------------------------------------------------------------

attacks=(expiry widened table-added swapped swapped-and-renamed stolen revoked revoked-respelled cut empty no-object v1)
declare -A skipped_as=([expiry]=wrap-rejected [widened]=wrap-rejected [table-added]=wrap-rejected
  [swapped]=wrap-rejected [swapped-and-renamed]=wrap-rejected [stolen]=wrap-rejected [revoked]=revoked
  [revoked-respelled]=revoked [cut]=malformed [empty]=expired [no-object]=nothing [v1]=malformed)

for attack in "${attacks[@]}"; do granted anna "$attack"; done
granted anna honest

jq -cn '{"grant.expiresAt": "2099-01-01T00:00:00.000Z"}' | edit_mission "$anna" expiry

note secret "$(marker anna/secret)" | seal_and_write anna
jq -c '{inputs: (.inputs + [{module: "notes", table: "notes", id: "secret"}]),
  "grant.derivation.recordIds": (.grant.derivation.recordIds + ["notes:secret"])}' \
  <<<"$(stored "$anna" widened .)" | edit_mission "$anna" widened

jq -cn '{"grant.derivation.tables": ["notes", "tasks"]}' | edit_mission "$anna" table-added

honest_grant=$(stored "$anna" honest .grant)
honest_inputs=$(stored "$anna" honest .inputs)
swap() { jq -c --argjson inputs "$honest_inputs" '{grant: '"$1"', inputs: $inputs}' <<<"$honest_grant"; }
swap . | edit_mission "$anna" swapped
swap '(.derivation.missionId = "swapped-and-renamed")' | edit_mission "$anna" swapped-and-renamed

# The same mission, records and sealed values in another user's name.
for id in stolen stolen-note; do
  jq -c '{app: (if .grant then "ai" else "notes" end), table: (if .grant then "aiMissions" else "notes" end), id,
    data: del(.id, .userId, .createdAt, .updatedAt)}' <<<"$(stored "$anna" "$id" .)" | write_rows ben
done

for attack in revoked revoked-respelled; do
  grant=$(stored "$anna" "$attack" .grant)
  [[ $attack == revoked ]] || grant=$(jq -c '.wrappedKey |= sub("=+$"; "")' <<<"$grant")
  jq -cn '{grant: null}' | edit_mission "$anna" "$attack"
  jq -c '{grant: .}' <<<"$grant" | edit_mission "$anna" "$attack"
done

jq -cn '{"grant.wrappedKey": "no base64!"}' | edit_mission "$anna" cut
jq -cn '{grant: {}}' | edit_mission "$anna" empty
# As good as none: there is nothing to skip.
jq -cn '{grant: "no object"}' | edit_mission "$anna" no-object
jq -cn '{missionId: "v1", recordIds: ["notes:v1-note"]}' | browser anna grant v1 | jq -c '{grant: .}' |
  edit_mission "$anna" v1

# -- sealed values that were edited -------------------------------------------------------------------------------

tampered=ciphertext-tampered-or-wrong-key
declare -A failed_as=([field]=$tampered [record]=$tampered [bit]=$tampered [half]=ciphertext-malformed
  [old]=not-sealed-for-grant [key]=decrypt-failed)
for attack in "${!failed_as[@]}"; do granted anna "$attack" "$attack-note" "$attack-other"; done

jq -c '{title: .content, content: .title}' <<<"$(stored "$anna" field-note .)" | update_note "$anna" field-note
jq -c '{content}' <<<"$(stored "$anna" record-other .)" | update_note "$anna" record-note
jq -c '{content: (.content | .[:-8] + (if .[-8:-7] == "A" then "B" else "A" end) + .[-7:])}' \
  <<<"$(stored "$anna" bit-note .)" | update_note "$anna" bit-note
jq -c '{content: .content[:20]}' <<<"$(stored "$anna" half-note .)" | update_note "$anna" half-note
jq -cn --arg value "$(marker anna/old-note)" '{table: "notes", id: "old-note", field: "content", value: $value, version: 1}' |
  browser anna seal | jq -cR '{content: .}' | update_note "$anna" old-note
jq -c '{"grant.recordKeys": (.grant.recordKeys | .["notes:key-note"] = .["notes:key-other"])}' \
  <<<"$(stored "$anna" key .)" | edit_mission "$anna" key

granted anna outside
jq -c '{inputs: (.inputs + [{module: "notes", table: "notes", id: "secret"}])}' \
  <<<"$(stored "$anna" outside .)" | edit_mission "$anna" outside

# -- one tick over all of them ------------------------------------------------------------------------------------

start_granted runner GRANTS_V1=false MAX_RUNS_PER_USER=50
wait_for 30 "the runner is ready" is_ready runner
tick runner >/dev/null
for mission in "${attacks[@]}" "${!failed_as[@]}" honest outside; do
  wait_for 10 "a plan for $mission" has_iteration "$anna" "$mission"
  planned_well "$anna" "$mission"
done
wait_for 10 "a plan for the other user's mission" has_iteration "$ben" stolen
planned_well "$ben" stolen

saw_all_of() { for record in "$@"; do expect "the witness saw $record" saw "$(marker "anna/$record")"; done; }
saw_all_of honest-note outside-note stolen-note
expect "the secret note is not read" saw_not "$(marker anna/secret)"

# The grant is skipped: no data, no row, the reason in the metric.
for attack in "${attacks[@]}"; do
  case $attack in
    stolen) continue ;; # the owner's own mission is an honest one
    swapped | swapped-and-renamed) ;; # they point at the honest mission's note
    *) expect "the note of $attack is not read" saw_not "$(marker "anna/$attack-note")" ;;
  esac
  equals "$(audit_of anna "$attack")" '' "audit rows of $attack"
done
equals "$(audit_of ben stolen)" '' "audit rows of the thief"
equals "$(calls_with "$(marker anna/honest-note)")" 1 "calls with the note that others point at"
equals "$(calls_with "$(marker anna/stolen-note)")" 1 "calls with the note that another user points at"
for reason in wrap-rejected revoked malformed expired; do
  expected=0
  for attack in "${attacks[@]}"; do [[ ${skipped_as[$attack]} != "$reason" ]] || expected=$((expected + 1)); done
  equals "$(metric runner grant_skips_total "reason=\"$reason\"")" "$expected" "grants skipped as $reason"
done

# The record fails, and only it.
for attack in "${!failed_as[@]}"; do
  expect "the edited note of $attack is not read" saw_not "$(marker "anna/$attack-note")"
  equals "$(audit_of anna "$attack")" \
    "notes:$attack-note failed ${failed_as[$attack]}"$'\n'"notes:$attack-other ok -" "audit rows of $attack"
  saw_all_of "$attack-other"
done
equals "$(audit_of anna outside)" \
  $'notes:outside-note ok -\nnotes:secret scope-violation record-not-in-grant-allowlist' "audit rows of an input outside"
equals "$(metric runner grant_scope_violations_total 'table="notes"')" 1 "scope violations"
browser anna verify-audit 3 >/dev/null
equals "$(browser ben verify-audit | jq .rows)" 0 "audit rows of the other user"
stop_process runner
equals "$exit_code" 0 "exit code"
