#!/usr/bin/env bash
# What the scripts about sync share on top of harness_grants.sh: a service with the targets auth and sync, tokens, and
# a client for /ws.
# shellcheck disable=SC2034 # variables that the scripts read
# shellcheck source-path=SCRIPTDIR source=harness_grants.sh
source "$(dirname "${BASH_SOURCE[0]}")/harness_grants.sh"

issuer=http://sync.test

# start_sync <name> [NAME=value...]: does not wait.
start_sync() {
  start_process "$1" auth,sync "${auth_settings[@]}" "${sync_settings[@]}" BASE_URL="$issuer" \
    AUTH_SIGNING_KEY_PEM_FILE="$keys/auth-signing.pem" "${@:2}"
}

# The processes replica-* that live, also while they stop, for who stands before them (ready_endpoints.py): that has
# nothing but /ready to go by.
list_endpoints() {
  local name
  for name in "${!process_pid[@]}"; do
    [[ $name != replica-* ]] || echo "${process_port[$name]}"
  done >"$work/endpoints.new"
  mv "$work/endpoints.new" "$work/endpoints"
}

# token <name of a service> <user> [seconds]: a token for the user, good for so long.
token() {
  local kid
  kid=$(request "$1" GET /api/v1/auth/jwks | jq -r '.keys[0].kid')
  jq -cn --arg kid "$kid" --arg issuer "$issuer" --arg user "$2" --argjson ttl "${3:-3600}" '{
    header: {alg: "EdDSA", typ: "JWT", kid: $kid},
    claims: {iss: $issuer, aud: "mana", sub: $user, iat: (now | floor), exp: ((now | floor) + $ttl)}}' |
    MANA_TOKEN_KEY_FILE=$keys/auth-signing.pem node "$checkout/tests/e2e/browser/client.mjs" token
}

# as <token> <name> <method> <path> [curl option...]
as() {
  curl -sS --max-time 60 -X "$3" -H @<(printf 'Authorization: Bearer %s\n' "$1") "${@:5}" \
    "http://127.0.0.1:${process_port[$2]}$4"
}

# listen <file> <name> [option...]: a WebSocket in the background; stdin of this function: the token. What it hears goes
# to the file, a JSON object per line with the time in ms: {at, message} or {at, closed}.
listen() {
  local file=$1 port=${process_port[$2]}
  # Of its own accord a background command reads nothing.
  node "$checkout/tests/e2e/sync/socket.mjs" "ws://127.0.0.1:$port/ws" "${@:3}" <&0 >"$file" 2>>"$work/sockets.log" &
  process_pid[socket:$file]=$!
}
has_heard() { [[ -n $(jq -c "select($2)" "$1" 2>/dev/null) ]]; }
