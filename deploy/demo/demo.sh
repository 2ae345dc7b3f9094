# shellcheck shell=bash disable=SC2154 # variables of up.sh
# The demo of up.sh, which sources this file: a user signs up, seals two notes and a task as a browser does, grants
# a mission access to them, and reads back the plan and every decrypt. Uses state, secrets, PORT, request and the like
# of up.sh. The browser's part is played by the tests' independent client, over HTTP.

demo_session=''

demo_browser() {
  MANA_SESSION=$demo_session MANA_AUTH_URL=http://127.0.0.1:$PORT MANA_RUNNER_URL=http://127.0.0.1:$PORT \
    MANA_PUBLIC_KEY_FILE=$state/demo/mana-ai-public.pem node "$checkout/tests/e2e/browser/client.mjs" "$@"
}

demo_credentials() { printf '{"name":"demo","password":"%s"}\n' "$DEMO_PASSWORD"; }
demo_user() { jq -r .userId "$demo_session"; }

demo_sync_url() { echo "postgresql://mana_sync:$SYNC_PASSWORD@127.0.0.1:$(<"$cluster/port")/$database"; }
demo_sql() { psql_on "$(demo_sync_url)" -At -v user="$(demo_user)" -f "$checkout/deploy/demo/$1"; }

# A session from an earlier call may be of a database that is gone.
demo_sign_in() {
  mkdir -p "$state/demo"
  demo_session=$state/demo/session.json
  install -m 0644 "$keys/mana-ai-public.pem" "$state/demo/mana-ai-public.pem"
  if demo_credentials | demo_browser sign-in >/dev/null 2>&1 && demo_browser fetch-key 2>/dev/null; then
    return
  fi
  demo_credentials | demo_browser register >/dev/null
  demo_browser init-vault
}

# Each row travels as one line of text: control characters cannot stand in JSON, so they can quote it.
demo_write_rows() {
  psql_on "$(demo_sync_url)" -o /dev/null -v user="$(demo_user)" \
    -c 'create temporary table incoming (n bigint generated always as identity, entry jsonb)' \
    -c "\\copy incoming (entry) from pstdin with (format csv, quote e'\\x01', delimiter e'\\x02')" \
    -f "$checkout/tests/e2e/insert_rows.sql"
}

demo_seed() {
  [[ -z $(demo_sql known_mission.sql) ]] || return 0
  jq -cn --arg stamp "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" -f "$checkout/deploy/demo/entries.jq" |
    demo_browser rows >"$state/demo/rows.jsonl"
  echo "    one of the rows for the change log:"
  jq -c 'select(.id == "demo-note-trip")' "$state/demo/rows.jsonl" | cut -c1-200 | sed 's/^/    /; s/$/…/'
  echo "    the mission's grant, as the auth target issued it:"
  jq -c 'select(.id == "demo-mission") | .data.grant | {derivation, issuedAt, expiresAt, keyId}' "$state/demo/rows.jsonl" |
    sed 's/^/    /'
  demo_write_rows <"$state/demo/rows.jsonl"
}

demo_wait_for_iteration() {
  local iteration why told='' deadline=$((SECONDS + 300))
  until
    iteration=$(demo_sql latest_iteration.sql)
    [[ -n $iteration ]]
  do
    if ! service_runs || ((SECONDS >= deadline)); then
      request GET "/internal/missions/$(demo_user)" >&2 || true
      last_log_lines
      die "the demo mission has no iteration"
    fi
    why=$(request GET "/internal/missions/$(demo_user)" | jq -r '.missions[0] |
      "\(.notRunningBecause), attempts \(.attempts), retry at \(.retryAt // "-"), last error \(.lastError // "-")"' || true)
    [[ $why == "$told" ]] || step "no iteration yet: $why" >&2
    told=$why
    sleep 0.5
  done
  jq . <<<"$iteration"
}

demo() {
  local plan
  step "demo: user \"demo\" signs in; two goals, two sealed notes, a sealed task, a mission with a grant for them"
  demo_sign_in
  demo_seed
  step "POST /internal/tick"
  request POST /internal/tick | jq -c . || {
    last_log_lines
    die "the tick failed"
  }
  plan=$(demo_wait_for_iteration)
  step "its newest iteration in public.sync_changes"
  echo "$plan"
  step "GET /internal/missions/$(demo_user)"
  request GET "/internal/missions/$(demo_user)" | jq .
  step "GET /api/v1/me/ai-audit as the user: every decrypt"
  demo_browser audit | jq -c '{ts, missionId, tableName, recordId, status, reason, position}'
  step "the audit chain, recomputed by the client and compared with the service's verdict and signed head"
  demo_browser verify-audit
}
