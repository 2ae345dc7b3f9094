#!/usr/bin/env bash
# What `keygen` writes, and how the running process keeps keys out of files, swap and other processes.
# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$0")/harness.sh"

keys=$work/keys
printed=$("$binary" keygen --out="$keys" </dev/null)
while IFS='=' read -r setting path; do
  expect "$setting names a file" test -s "$path"
  mode=600
  [[ $setting != MANA_AI_PUBLIC_KEY_PEM_FILE ]] || mode=644
  equals "$(stat -c %a "$path")" "$mode" "mode of $path"
done <<<"$printed"
equals "$(wc -l <<<"$printed")" 5 "files of keygen"
equals "$(openssl pkey -in "$keys/mana-ai-private.pem" -pubout)" "$(<"$keys/mana-ai-public.pem")" "the runner's public key"
before=$(sha256sum "$keys"/*)
rc=0
"$binary" keygen --out="$keys" >"$work/again.txt" 2>&1 </dev/null || rc=$?
equals "$rc" 1 "exit code of keygen over existing files"
expect "keygen names the file that exists" grep -q "$keys/mana-ai-private.pem exists" "$work/again.txt"
equals "$(sha256sum "$keys"/*)" "$before" "the keys that were there"

start_standin STANDIN_LATENCY_MS=0
pid=${process_pid[standin]}
equals "$(<"/proc/$pid/comm")" mana-ai "the process's name"
expect "all functions are bound at start" grep -qzx LD_BIND_NOW=1 "/proc/$pid/environ"
expect "no core file is written" grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
if (($(ulimit -l) >= 2048)); then
  expect "the heap of keys is locked" test "$(awk '/^VmLck/ { print $2 }' "/proc/$pid/status")" -ge 1024
  expect "and nobody is warned" test -z "$(logged standin '.event == "secure_heap_not_locked"')"
fi
# Only root owns the files of a process that cannot be traced.
if ((EUID == 0)) && command -v setpriv >/dev/null; then
  install -m 0755 "$binary" "$work/mana-ai"
  port=$(free_port)
  env -i PATH="$PATH" HOME=/ PORT="$port" BIND_ADDRESS=127.0.0.1 setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$work/mana-ai" --target=llm-standin </dev/null >>"$work/nobody.log" 2>&1 &
  process_pid[nobody]=$!
  process_port[nobody]=$port
  wait_for 20 "the process of another user answers" answers nobody /health
  equals "$(stat -c %U "/proc/${process_pid[nobody]}/mem")" root "owner of its memory"
  stop_process nobody
fi

stop_process standin
equals "$exit_code" 0 "exit code"

# A limit too small for the heap is said, and the process runs all the same.
ulimit -l 64
unset "process_port[standin]"
start_standin STANDIN_LATENCY_MS=0
if ((EUID != 0)); then has_logged standin '.event == "secure_heap_not_locked"' || fail "nobody is warned"; fi
stop_process standin
equals "$exit_code" 0 "exit code"
