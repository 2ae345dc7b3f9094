#!/usr/bin/env bash
# What the scripts about grants and audit share on top of harness.sh: keys, the auth target, users with a vault, sealed
# records, and the witness in the LLM's place. A user is named by a nick; `$work/<nick>.session` is their session, and
# user_of gives the id that the services know them by.
# shellcheck disable=SC2034,SC2119,SC2120 # variables that the scripts read; optional arguments
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "${BASH_SOURCE[0]}")/harness.sh"

command -v node >/dev/null || fail "node is missing: run deploy/deps.sh"
keys=$work/keys
# Which of them are in use; an empty name takes the setting away.
private_key_file=$keys/mana-ai-private.pem
public_key_file=$keys/mana-ai-public.pem
kek_file=$keys/mana-auth-kek.txt
audit_key_file=$keys/audit-signing.pem
witness_log=$work/witness.jsonl

# -- keys and services --------------------------------------------------------------------------------------------

# make_keys [directory]: default is where the variables above look.
make_keys() { "$binary" keygen --out="${1:-$keys}" >>"$work/keygen.log"; }

# start_auth [NAME=value...]: users may register. Sets auth_url.
start_auth() {
  process_port[auth]=${process_port[auth]:-$(free_port)}
  auth_url=http://127.0.0.1:${process_port[auth]}
  start_process auth auth DATABASE_URL="postgresql://mana_auth:$AUTH_PASSWORD@$database_server/$database" \
    BASE_URL="$auth_url" SIGN_IN=true REGISTRATION=true \
    AUTH_SIGNING_KEY_PEM_FILE="$keys/auth-signing.pem" MANA_AUTH_KEK_FILE="$kek_file" \
    MANA_AI_PUBLIC_KEY_PEM_FILE="$public_key_file" GRANTS_PER_HOUR=100000 "$@"
  wait_for 30 "the auth target is ready" is_ready auth
}

# start_granted <name> [NAME=value...]: a runner that opens grants. Ticks come from the test.
start_granted() {
  local name=$1
  shift
  start_runner "$name" TICK_ENABLED=false MANA_AI_PRIVATE_KEY_PEM_FILE="$private_key_file" \
    AUDIT_SIGNING_KEY_PEM_FILE="$audit_key_file" MANA_AUTH_URL="${auth_url:-http://127.0.0.1:9}" \
    JWT_ISSUER="${auth_url:-http://127.0.0.1:9}" "$@"
  runner_url=http://127.0.0.1:${process_port[$name]}
}

# start_witness [option...]: sets llm_url.
start_witness() {
  [[ -z ${process_pid[witness]:-} ]] || stop_process witness KILL
  rm -f "$work/witness.port"
  python3 "$checkout/tests/e2e/llm_witness.py" --log "$witness_log" "$@" >"$work/witness.port" 2>>"$work/witness.log" &
  process_pid[witness]=$!
  wait_for 10 "the witness listens" test -s "$work/witness.port"
  llm_url=http://127.0.0.1:$(<"$work/witness.port")
}

# Database, keys, auth, a witness that keeps prompts, one runner.
start_with_grants() {
  make_keys
  start_database
  start_auth
  start_witness --keep-prompts
  start_granted runner
  wait_for 30 "the runner is ready" is_ready runner
}

# fails <what> <command...>: its output is in refused.out.
fails() {
  local what=$1
  shift
  if "$@" >"$work/refused.out" 2>&1; then fail "expected a refusal: $what"; fi
}

# -- users --------------------------------------------------------------------------------------------------------

# browser <nick> <command> [option...]
browser() {
  MANA_SESSION=$work/$1.session MANA_AUTH_URL=${auth_url:-} MANA_RUNNER_URL=${runner_url:-} \
    MANA_PUBLIC_KEY_FILE=$public_key_file MANA_PRIVATE_KEY_FILE=$private_key_file \
    MANA_TOKEN_KEY_FILE=$keys/auth-signing.pem \
    node "$checkout/tests/e2e/browser/client.mjs" "${@:2}"
}

user_of() { jq -r .userId "$work/$1.session"; }
credentials() { jq -cn --arg name "$1" '{name: $name, password: "Ein langes Passwort von \($name)"}'; }

# sign_up <nick>: registers, signs in, makes a vault.
sign_up() {
  credentials "$1" | browser "$1" register >"$work/$1.id"
  browser "$1" init-vault
}

# without_auth <nick>: the same without a service: the master key is made on the spot, and so are grants.
without_auth() { jq -cn --arg id "user-$1" '{userId: $id}' | browser "$1" offline; }

# -- records ------------------------------------------------------------------------------------------------------

# marker <text>: the marker that belongs to it.
marker() { printf 'MARK-%s' "$(printf '%s' "$1" | sha256sum | cut -c1-32)"; }

# write_rows <nick>: stdin: rows for the log as client.mjs prints them, inserted in one transaction in the user's scope.
# Control characters cannot stand in JSON, so that they can quote it.
write_rows() {
  psql_on "$sync_url" -o /dev/null -v user="$(user_of "$1")" \
    -c 'create temp table incoming (n bigserial, entry jsonb)' \
    -c "\\copy incoming (entry) from pstdin with (format csv, quote e'\\x01', delimiter e'\\x02')" \
    -f "$checkout/tests/e2e/insert_rows.sql"
}

# seal_and_write <nick> [own-grants]: stdin: what `client.mjs rows` takes.
seal_and_write() { browser "$1" rows "${@:2}" | tee "$work/$1.rows" | write_rows "$1"; }

# note <id> <text>: an entry for `rows`, whose content is the text.
note() { jq -cn --arg id "$1" --arg text "$2" '{table: "notes", id: $id, data: {title: "Notiz", content: $text}}'; }

# mission_on <mission> <record-name...>: an entry for `rows`: due now, with the user's goal and these notes as its
# inputs and a grant for them. more_mission (JSON) replaces fields, more_grant members of the wish.
mission_on() {
  jq -cn --arg id "$1" --argjson more "${more_mission:-{\}}" --argjson wish "${more_grant:-{\}}" '$ARGS.positional as $names | {
    mission: $id,
    grant: ({recordIds: $names} + $wish),
    data: ({title: "Fit bleiben", objective: "Hilf mir.", conceptMarkdown: "", state: "active", iterations: [],
      inputs: ([{module: "goals", table: "companionGoals", id: "goal-1"}]
               + [$names[] | {module: "notes", table: "notes", id: sub("^notes:"; "")}]),
      cadence: {kind: "daily", atHour: 7, atMinute: 0}, timeZone: "Europe/Berlin",
      nextRunAt: (now - 1 | strftime("%Y-%m-%dT%H:%M:%S.000Z"))} + $more)}' --args "${@:2}"
}

# -- what the witness saw -----------------------------------------------------------------------------------------

saw() { grep -qF "$1" "$witness_log" 2>/dev/null; }
saw_not() { ! saw "$1"; }
# calls_with <marker>: how many calls held it.
calls_with() { jq -c --arg marker "$1" 'select(.markers // [] | index($marker))' "$witness_log" | wc -l; }

# The witness's log as table public.witness: at, call, event, marker (null for the end of a call).
load_witness() {
  sql 'create table if not exists public.witness (at timestamptz, call bigint, event text, marker text);
       truncate public.witness'
  jq -r '. as {$at, $call, $event} | (.markers // [null])[] | [$at, $call, $event, . // ""] | @tsv' "$witness_log" |
    psql_on "$superuser_url" -o /dev/null -c 'create temp table raw (at bigint, call bigint, event text, marker text)' \
      -c '\copy raw from pstdin' \
      -c "insert into public.witness select to_timestamp(at / 1000000) + at % 1000000 * interval '1 microsecond', call,
          event, nullif(marker, '') from raw"
}

# Commits have a time from now on: pg_xact_commit_timestamp(xmin).
track_commit_times() {
  sql 'alter system set track_commit_timestamp = on'
  stop_cluster fast
  start_cluster
}

# -- HTTP ---------------------------------------------------------------------------------------------------------

# call <nick or -> <method> <url> [json]: sets http_status and http_body. The token goes through a file.
call() {
  local options=(-sS --max-time 60 -X "$2" -w '\n%{http_code}') answer
  if [[ $1 != - ]]; then
    (umask 077 && jq -r '"Authorization: Bearer \(.accessToken)"' "$work/$1.session" >"$work/$1.bearer")
    options+=(-H "@$work/$1.bearer")
  fi
  [[ -z ${4+set} ]] || options+=(-H 'Content-Type: application/json' --data-binary @-)
  answer=$(curl "${options[@]}" "$3" <<<"${4-}")
  http_status=${answer##*$'\n'}
  http_body=${answer%$'\n'*}
}

# refuses <status> <code> <call's arguments...>: with both in the body that every error has.
refuses() {
  local status=$1 code=$2
  shift 2
  call "$@"
  equals "$http_status $(jq -r '"\(.code) \(.error | type)"' <<<"$http_body" 2>/dev/null)" "$status $code string" "$2 /${3#http://*/}"
}

vault_url() { echo "$auth_url/api/v1/me/encryption-vault/$1"; }
grant_url() { echo "$auth_url/api/v1/me/ai-mission-grant"; }
audit_url() { echo "$runner_url/api/v1/me/ai-audit$1"; }

# audit_of <nick> <mission>: its rows as `table:record status reason`, sorted.
audit_of() {
  browser "$1" audit "$2" | jq -r '"\(.tableName):\(.recordId) \(.status) \(.reason // "-")"' | sort
}

# metric <process> <name> [label="value"]: the sum of its series, 0 without any.
metric() {
  request "$1" GET /metrics | awk -v name="mana_ai_$2" -v label="${3:-}" '
    index($1, name "{") == 1 && (label == "" || index($0, label)) { sum += $NF } END { print sum + 0 }'
}

# run_audit_verify <nick>: the command line's check, as its operator would run it.
run_audit_verify() {
  env -i PATH="$PATH" SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" \
    "$binary" audit verify --user "$(user_of "$1")"
}

# chain_of <user-id>: the rows as the API shows them, straight from the table.
chain_of() {
  sql "select json_build_object('id', id::text, 'missionId', mission_id, 'iterationId', iteration_id,
    'tableName', table_name, 'recordId', record_id, 'status', status, 'reason', reason, 'runId', run_id,
    'ts', to_char(ts at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'position', position,
    'previousHash', encode(previous_hash, 'hex'), 'hash', encode(row_hash, 'hex'))
    from mana_ai.decrypt_audit where user_id = '$1' order by position"
}

# -- changes that the log takes from anybody with its rights ------------------------------------------------------

# update_record <user-id> <app> <table> <id>: stdin: the changed fields as JSON, stamped now.
update_record() {
  psql_on "$sync_url" -o /dev/null -v user="$1" -v app="$2" -v table="$3" -v id="$4" \
    -c 'create temp table incoming (changed jsonb)' \
    -c "\\copy incoming from pstdin with (format csv, quote e'\\x01', delimiter e'\\x02')" \
    -f "$checkout/tests/e2e/update_row.sql"
}
update_note() { update_record "$1" notes notes "$2"; }
edit_mission() { update_record "$1" ai aiMissions "$2"; }

# stored <user-id> <record> <jq path>: of the record as it was inserted.
stored() {
  sql "select data from sync_changes where user_id = '$1' and record_id = '$2' and op = 'insert'" | jq -c "$3"
}
