#!/usr/bin/env bash
# Every refusal of the auth target and of the audit routes, by status and code, through HTTP.
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "$0")/harness_grants.sh"

start_with_grants
sign_up anna
credentials newcomer | browser newcomer register >/dev/null

# -- who are you --------------------------------------------------------------------------------------------------

protected=(POST "$(grant_url)" GET "$(vault_url status)" GET "$(vault_url key)" POST "$(vault_url init)"
  POST "$(vault_url rotate)" POST "$(vault_url recovery-wrap)" DELETE "$(vault_url recovery-wrap)"
  POST "$(vault_url zero-knowledge)" GET "$(audit_url '')" GET "$(audit_url /verify)" GET "$(audit_url /head)")

# forged <nick> <header> <claims>: a session whose token has these (jq expressions over good ones), signed by the
# service's own key.
forged() {
  local good header claims
  good=$(jq -r .accessToken "$work/anna.session")
  part() { cut -d. -f"$1" <<<"$good" | tr _- /+ | base64 -d 2>/dev/null || true; }
  header=$(part 1 | jq -c "$2")
  claims=$(part 2 | jq -c "$3")
  jq -cn --argjson header "$header" --argjson claims "$claims" '{header: $header, claims: $claims}' |
    browser anna token | jq -cR --arg user "$(user_of anna)" '{userId: $user, accessToken: .}' >"$work/$1.session"
}
forged same . .
forged expired . '.exp = now - 120 | .iat = now - 240'
forged early . '.nbf = (now + 3600 | floor)'
forged other-audience . '.aud = "someone-else"'
forged other-issuer . '.iss = "http://elsewhere.example"'
forged nobody . 'del(.sub)'
forged endless . 'del(.exp)'
forged other-algorithm '.alg = "RS256"' .
forged no-algorithm '.alg = "none"' .
forged unknown-key '.kid = "0000000000000000"' .
jq -c '.accessToken |= (split(".") | .[0] + "." + .[1] + ".")' "$work/anna.session" >"$work/unsigned.session"
jq -c '.accessToken = "not a token"' "$work/anna.session" >"$work/garbage.session"

call same GET "$(vault_url status)"
equals "$http_status" 200 "a token signed by the test itself"
call same GET "$(audit_url '')"
equals "$http_status" 200 "the same token at the runner"
for ((i = 0; i < ${#protected[@]}; i += 2)); do
  refuses 401 UNAUTHORIZED - "${protected[@]:i:2}"
  refuses 401 UNAUTHORIZED unknown-key "${protected[@]:i:2}"
done
for nick in expired early other-audience other-issuer nobody endless other-algorithm no-algorithm unsigned garbage; do
  refuses 401 UNAUTHORIZED "$nick" GET "$(vault_url status)"
  refuses 401 UNAUTHORIZED "$nick" GET "$(audit_url '')"
done
refuses 401 UNAUTHORIZED - DELETE "$runner_url/internal/users/$(user_of anna)"

# -- grants, in the order of the checks ---------------------------------------------------------------------------

wish() { jq -cn "{missionId: \"m1\", tables: [\"notes\"], recordIds: [\"notes:n1\"]} | $1"; }
asks() { refuses "$1" "$2" "$3" POST "$(grant_url)" "$4"; }
malformed=('"no object"' "$(wish 'del(.missionId)')" "$(wish '.missionId = 7')" "$(wish 'del(.tables)')"
  "$(wish '.tables = "notes"')" "$(wish '.tables = [7]')" "$(wish 'del(.recordIds)')" "$(wish '.recordIds = {}')"
  "$(wish '.recordIds = [null]')" "$(wish '.ttlMs = "long"')" '{' '')
beyond_limits=("$(wish '.recordIds = [range(1001) | "notes:n\(.)"]')")
for body in "${malformed[@]}" "${beyond_limits[@]}"; do
  asks 400 BAD_REQUEST anna "$body"
  asks 400 BAD_REQUEST newcomer "$body" # who has no vault either
done
asks 404 VAULT_NOT_INITIALISED newcomer "$(wish .)"

# Lifetimes are clamped, not refused.
lifetime() {
  call anna POST "$(grant_url)" "$(wish "$1")"
  equals "$http_status" 200 "a grant with $1"
  jq -r '[.issuedAt, .expiresAt | sub("\\.[0-9]+Z$"; "Z") | fromdate] | (.[1] - .[0]) / 3600 | round' <<<"$http_body"
}
equals "$(lifetime .)" 168 "hours of a grant by default"
equals "$(lifetime '.ttlMs = 1')" 1 "hours of the shortest grant"
equals "$(lifetime '.ttlMs = 1e12')" 720 "hours of the longest grant"
call anna POST "$(grant_url)" "$(wish '.recordIds = [range(1000) | "notes:n\(.)"]')"
equals "$http_status $(jq '.recordKeys | length' <<<"$http_body")" '200 1000' "a grant for as many records as allowed"

# -- vault --------------------------------------------------------------------------------------------------------

refuses 409 VAULT_EXISTS anna POST "$(vault_url init)" '{}'
for route in 'GET key' 'POST rotate'; do
  refuses 404 VAULT_NOT_INITIALISED newcomer "${route% *}" "$(vault_url "${route#* }")"
done
call newcomer GET "$(vault_url status)"
equals "$http_status $(jq .initialised <<<"$http_body")" '200 false' "the status without a vault"
refuses 409 RECOVERY_WRAP_MISSING anna POST "$(vault_url zero-knowledge)" '{"enable": true}'
refuses 400 BAD_REQUEST anna POST "$(vault_url zero-knowledge)" '{"enable": "yes"}'
refuses 400 BAD_REQUEST anna POST "$(vault_url recovery-wrap)" '{"recoveryWrappedMk": "AAAA", "recoveryIv": 7}'
refuses 400 BAD_REQUEST anna POST "$(vault_url recovery-wrap)" '{"recoveryWrappedMk": "no base64!", "recoveryIv": "AAAA"}'

sign_up zoe
browser zoe recovery-wrap >"$work/recovery.json"
call zoe POST "$(vault_url recovery-wrap)" "$(<"$work/recovery.json")"
equals "$http_status" 204 "a recovery wrap"
call zoe POST "$(vault_url zero-knowledge)" '{"enable": true}'
equals "$http_status" 204 "zero-knowledge"
asks 409 ZK_ACTIVE zoe "$(wish .)"
asks 400 BAD_REQUEST zoe "${beyond_limits[0]}"
refuses 409 ZK_ACTIVE zoe POST "$(vault_url rotate)"
refuses 409 ZK_ACTIVE zoe DELETE "$(vault_url recovery-wrap)"
call zoe GET "$(vault_url key)"
equals "$http_status $(jq -cS '[.requiresRecoveryCode, has("masterKey")]' <<<"$http_body")" '200 [true,false]' \
  "the key in zero-knowledge"
equals "$(jq -cS '{recoveryIv, recoveryWrappedMk}' <<<"$http_body")" "$(jq -cS . "$work/recovery.json")" \
  "the wrap that is given back"
jq -c '{enable: false, masterKey}' "$work/zoe.session" >"$work/disable.json"
call zoe POST "$(vault_url zero-knowledge)" "$(<"$work/disable.json")"
equals "$http_status" 204 "zero-knowledge ends with the master key"
browser zoe grant >/dev/null <<<'{"missionId": "m1", "recordIds": ["notes:n1"]}'

# -- sign-in ------------------------------------------------------------------------------------------------------

auth_route() { echo "$auth_url/api/v1/auth/$1"; }
refuses 409 NAME_TAKEN - POST "$(auth_route register)" "$(credentials anna)"
refuses 400 BAD_REQUEST - POST "$(auth_route register)" '{"name": "tom"}'
refuses 400 BAD_REQUEST - POST "$(auth_route register)" '{"name": "tom", "password": "kurz"}'
refuses 401 UNAUTHORIZED - POST "$(auth_route login)" "$(credentials nobody-of-this-name)"
refuses 401 UNAUTHORIZED - POST "$(auth_route login)" "$(credentials anna | jq -c '.password = "Ein ganz anderes Passwort"')"
refuses 401 UNAUTHORIZED - POST "$(auth_route refresh)"

# A refresh token that comes back after its successor was used as well ends the whole sign-in.
cp "$work/anna.session" "$work/thief.session"
browser anna refresh
browser anna refresh
fails "a refresh token of two rotations ago" browser thief refresh
fails "the newest token, after that" browser anna refresh

too_many_attempts() {
  call - POST "$(auth_route login)" "$(credentials victim | jq -c '.password = "Falsch, ganz falsch"')"
  [[ $http_status == 429 ]]
}
credentials victim | browser victim register >/dev/null
for _ in {1..50}; do ! too_many_attempts || break; done
equals "$http_status $(jq -r .code <<<"$http_body")" '429 RATE_LIMITED' "the last of many wrong passwords"
refuses 429 RATE_LIMITED - POST "$(auth_route login)" "$(credentials victim)"

# -- audit --------------------------------------------------------------------------------------------------------

credentials anna | browser anna sign-in >/dev/null
for query in '?limit=x' '?cursor=x'; do refuses 400 BAD_REQUEST anna GET "$(audit_url "$query")"; done
for query in '?limit=0' '?limit=100000' '?missionId=none' ''; do
  call anna GET "$(audit_url "$query")"
  equals "$http_status $(jq -c . <<<"$http_body")" '200 {"rows":[],"nextCursor":null}' "an empty audit with «$query»"
done

# -- services that are set up otherwise ---------------------------------------------------------------------------

stop_process auth
issued_for=$public_key_file
public_key_file=
start_auth REGISTRATION=false
public_key_file=$issued_for
for nick in anna newcomer; do
  asks 503 GRANT_NOT_CONFIGURED "$nick" "$(wish .)"
  asks 503 GRANT_NOT_CONFIGURED "$nick" "${beyond_limits[0]}"
  asks 400 BAD_REQUEST "$nick" "${malformed[1]}"
done
call - POST "$(auth_route register)" "$(credentials late)"
expect "no registration where it is off (was $http_status)" test "$http_status" = 403 -o "$http_status" = 404

stop_process auth
start_auth GRANTS_PER_HOUR=2
sign_up greedy
for _ in 1 2; do browser greedy grant >/dev/null <<<'{"missionId": "m1", "recordIds": ["notes:n1"]}'; done
asks 429 RATE_LIMITED greedy "$(wish .)"

stop_process auth
make_keys "$work/other-keys"
kek_file=$work/other-keys/mana-auth-kek.txt
start_auth
refuses 503 VAULT_KEY_UNKNOWN anna GET "$(vault_url key)"
asks 503 VAULT_KEY_UNKNOWN anna "$(wish .)"

stop_process runner
audit_key_file=
start_granted runner
wait_for 30 "the runner is ready" is_ready runner
call anna GET "$(audit_url /head)"
equals "$http_status" 503 "a head where no key signs"
equals "$(browser anna verify-audit | jq .signed)" false "an unsigned head"

expect "nothing confidential in logs" test -z "$(grep -lE 'masterKey|PRIVATE KEY|Passwort' "$work"/{runner,auth}.log || true)"
