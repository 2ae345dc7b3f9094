#!/usr/bin/env bash
# The web target with the real binary and the built app: every file as it was built, headers, compression, pages and
# 404s, nothing from outside its directory; and what it says when there is no app.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

"$checkout/deploy/webapp.sh"
dist=$checkout/http/webapp/dist

# -- without an app -----------------------------------------------------------------------------------------------

refused() { # <WEB_ROOT> <words>
  start_process refused web WEB_ROOT="$1"
  wait_for 20 "it ends" dead refused
  exit_code=0
  wait "${process_pid[refused]}" || exit_code=$?
  unset "process_pid[refused]"
  equals "$exit_code" 1 "exit code with WEB_ROOT=$1"
  expect "the log says: $2" has_logged refused ".event == \"not_started\" and (.detail | startswith(\"WEB_ROOT: \") and contains(\"$2\"))"
  rm "$work/refused.log"
}
mkdir "$work/empty"
refused "$work/nowhere" "there is no directory $work/nowhere"
refused "$work/empty" "there is no index.html in $work/empty"
refused "$work/empty" "deploy/webapp.sh"
rc=0
said=$(env -i PATH="$PATH" WEB_ROOT="$work/empty" "$binary" check --target=web) || rc=$?
equals "$rc" 1 "exit code of check"
expect "check names WEB_ROOT" grep -q '^FAIL  web app .*WEB_ROOT: there is no index.html' <<<"$said"

# -- files --------------------------------------------------------------------------------------------------------

cp -R "$dist" "$work/app"
echo secret >"$work/secret.txt"
echo secret >"$work/app/.env"
ln -s ../secret.txt "$work/app/link.txt"
start_process web web WEB_ROOT="$work/app" WEB_SYNC_URL=https://sync.example/ SIGN_IN=true REGISTRATION=true \
  DEFAULT_TIME_ZONE=Europe/Berlin
wait_for 20 "the web target is ready" is_ready web
url=http://127.0.0.1:${process_port[web]}

# fetch <path> [curl option...]: sets the files head and body. The path goes out as it is written here.
fetch() { curl -sS --path-as-is --max-time 20 -D "$work/head" -o "$work/body" "${@:2}" "$url$1"; }
code() { sed -nE '1s/^HTTP[^ ]* ([0-9]+).*/\1/p' "$work/head"; }
header() { tr -d '\r' <"$work/head" | sed -nE "s/^$1: //p"; }

files=0
while read -r file; do
  fetch "/${file#./}"
  equals "$(code)" 200 "status of $file"
  expect "the bytes of $file" cmp -s "$dist/$file" "$work/body"
  equals "$(header X-Content-Type-Options)" nosniff "X-Content-Type-Options of $file"
  case $file in
    ./assets/*) equals "$(header Cache-Control)" 'public, max-age=31536000, immutable' "Cache-Control of $file" ;;
    *) equals "$(header Cache-Control)" no-cache "Cache-Control of $file" ;;
  esac
  for coding in br gzip; do
    variant=$dist/$file.${coding/gzip/gz}
    [[ -f $variant ]] || continue
    fetch "/${file#./}" -H "Accept-Encoding: $coding"
    equals "$(header Content-Encoding)" "$coding" "Content-Encoding of $file"
    equals "$(header Vary)" Accept-Encoding "Vary of $file"
    expect "the bytes of $variant" cmp -s "$variant" "$work/body"
    # What a browser makes of it.
    fetch "/${file#./}" --compressed -H "Accept-Encoding: $coding"
    expect "$file behind $coding" cmp -s "$dist/$file" "$work/body"
  done
  files=$((files + 1))
done < <(cd "$dist" && find . -type f ! -name '*.br' ! -name '*.gz')
expect "the app has more than a page" test "$files" -ge 3

fetch /
equals "$(header Content-Type)" 'text/html; charset=utf-8' "the page's type"
script=$(grep -oE '/assets/[^"]+\.js' "$work/body" | head -n 1)
fetch "$script"
equals "$(header Content-Type)" 'text/javascript; charset=utf-8' "a script's type"
tag=$(header ETag)
fetch "$script" -H "If-None-Match: $tag"
equals "$(code) $(header ETag)" "304 $tag" "the same script again"
fetch "$script" -H "If-None-Match: $tag" -H 'Accept-Encoding: br'
equals "$(code)" 200 "the script in another coding"
fetch "$script" --head
equals "$(code) $(header Content-Length)" "200 $(stat -c %s "$dist$script")" "HEAD of a script"
fetch "$script" -X POST
equals "$(code) $(header Allow)" '405 GET, HEAD, OPTIONS' "POST to a file"

# -- headers, configuration ---------------------------------------------------------------------------------------

host=127.0.0.1:${process_port[web]}
policy="default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws://$host wss://$host https://sync.example wss://sync.example; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
for path in / /missions/4711 "$script" /config.json; do
  fetch "$path"
  equals "$(header Content-Security-Policy)" "$policy" "the policy of $path"
  equals "$(header Referrer-Policy)" no-referrer "Referrer-Policy of $path"
  equals "$(header Cross-Origin-Opener-Policy)" same-origin "Cross-Origin-Opener-Policy of $path"
  expect "Permissions-Policy of $path" test -n "$(header Permissions-Policy)"
done
fetch /config.json
equals "$(jq -cS . "$work/body")" "$(jq -cnS --arg version "$("$binary" --version | cut -d' ' -f2)" \
  '{authUrl: "", syncUrl: "https://sync.example", runnerUrl: "", signIn: true, registration: true,
    defaultTimeZone: "Europe/Berlin", version: $version}')" /config.json
equals "$(header Cache-Control)" no-cache "Cache-Control of /config.json"

# -- pages and what is none ---------------------------------------------------------------------------------------

for path in / /missions /missions/4711/ /workbench/access?mission=a.b; do
  fetch "$path"
  equals "$(code)" 200 "status of the page $path"
  expect "the page $path is the app" cmp -s "$dist/index.html" "$work/body"
done
for path in /api /api/v1/me/unknown /sync/todo/unknown /internal/missions/anna /ws /missing.js /assets/gone-123.js \
  /favicon.ico /.env /link.txt "$script.br" /INDEX.HTML; do
  fetch "$path"
  equals "$(code) $(jq -r .code "$work/body")" '404 NOT_FOUND' "$path"
done
for path in /../secret.txt /%2e%2e/secret.txt /..%2fsecret.txt /%2e%2e%2fsecret.txt /..%5csecret.txt \
  /assets/../../secret.txt /assets/..%2f..%2fsecret.txt '/..;/secret.txt' /%252e%252e/secret.txt /.../secret.txt \
  //secret.txt /assets//../..//secret.txt "/$work/secret.txt" "$work/secret.txt" /%00/secret.txt /%c0%ae%c0%ae/secret.txt; do
  fetch "$path"
  expect "no file from outside: $path ($(code))" test "$(code)" = 404 -o "$(code)" = 400
  expect "nothing of it: $path" test -z "$(grep secret "$work/body" || true)"
done

# -- metrics ------------------------------------------------------------------------------------------------------

metrics=$(curl -sS "$url/metrics")
for pattern in '/assets/{file}' '/{file}' '/{page}'; do
  expect "requests counted as $pattern" grep -qF "path=\"$pattern\"" <<<"$metrics"
done
expect "no raw path in a label" test -z "$(grep -E 'path="[^"]*(4711|gone-123|secret|\.js)' <<<"$metrics" || true)"
expect "left out files are told" has_logged web '.event == "web_file_left_out" and .path == "/.env"'
stop_process web
equals "$exit_code" 0 "exit code"
