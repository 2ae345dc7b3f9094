#!/usr/bin/env bash
# The container image without a container engine: carries out the last stage of deploy/Dockerfile in a directory that
# debootstrap made, and runs the program in it as the image's user, without capabilities, on a root file system that
# nobody can write to, against a database of its own. Prints `ok <check>` or `FAIL <check>` for each; exit code 1 when
# one failed.
#
# Needs root, build/release/mana-ai and http/webapp/dist. The base and the result of the stage's RUN are kept in
# build/image-test, so that only the first run needs Debian's archive; deleting it brings security updates.
# shellcheck source-path=SCRIPTDIR source=../e2e/harness.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Mounts of its own, which end with the script, however it ends.
[[ ${MANA_OWN_MOUNTS:-} == "$$" ]] || {
  ((EUID == 0)) || {
    echo "FAIL image: needs root, for chroot and mounts"
    exit 1
  }
  # shellcheck disable=SC2016 # expanded by the inner shell, whose number stays the same
  exec unshare --mount --propagation private bash -c 'MANA_OWN_MOUNTS=$$ exec "$@"' bash "$0" "$@"
}
source "$here/../e2e/harness.sh"
test_name=image

dockerfile=$checkout/deploy/Dockerfile
kept=$checkout/build/image-test
# Outside of $work, which is removed at the end: nothing may remove what is mounted in here.
root=$kept/root   # as the image is built
image=$kept/image # the same, read-only
failed=0

report() { # <check> <command...>
  local name=$1
  shift
  if "$@"; then echo "ok $name"; else
    echo "FAIL $name"
    failed=1
  fi
}

# -- the Dockerfile -----------------------------------------------------------------------------------------------

# Instructions of the last stage, one per line, continued lines joined; comments left out.
last_stage() {
  sed -E '/^[[:space:]]*#/d' "$dockerfile" | sed -E ':a; /\\$/ { N; s/\\\n[[:space:]]*/ /; ba }' |
    awk '/^FROM / { stage = "" } NF { stage = stage $0 "\n" } END { printf "%s", stage }'
}
# instructions <NAME>: their arguments.
instructions() { sed -nE "s/^$1[[:space:]]+//p" <<<"$stage"; }
# json_array <text>: its elements, one per line; null bytes have no place in them.
json_array() { jq -r '.[]' <<<"$1"; }

stage=$(last_stage)
known='^(FROM|ARG|LABEL|RUN|COPY|ENV|USER|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)[[:space:]]'
if grep -vE "$known" <<<"$stage"; then fail "the last stage of the Dockerfile has instructions that this script does not know"; fi
suite=$(instructions FROM | sed -nE 's/^debian:([a-z]+)-slim$/\1/p')
expect "the last stage starts from Debian, slim" test -n "$suite"
run=$(instructions RUN)
user=$(instructions USER)
mapfile -t entrypoint < <(json_array "$(instructions ENTRYPOINT)")
mapfile -t healthcheck < <(json_array "$(instructions HEALTHCHECK | sed -E 's/.*[[:space:]]CMD[[:space:]]+//')")
mapfile -t variables < <(instructions ENV | xargs -n 1 printf '%s\n')

# -- the file system ----------------------------------------------------------------------------------------------

# The archive of this machine, since that is what it reaches.
make_base() {
  local base=$kept/base-$suite.tar
  [[ -f $base ]] || {
    debootstrap --variant=minbase "$suite" "$work/base" >"$work/debootstrap.log" 2>&1 || fail "debootstrap failed"
    cp -R /etc/apt/sources.list.d/. "$work/base/etc/apt/sources.list.d/"
    [[ ! -f /etc/apt/sources.list ]] || cp /etc/apt/sources.list "$work/base/etc/apt/sources.list"
    rm -rf "$work/base"/var/cache/apt/archives/*.deb "$work/base"/var/lib/apt/lists/*
    tar -C "$work/base" -cf "$base.new" .
    mv "$base.new" "$base"
    rm -rf "$work/base"
  }
  unpack "$base"
}

unpack() { # <archive>
  rm -rf --one-file-system "$root"
  mkdir "$root"
  tar -C "$root" -xpf "$1"
}

# What container engines give to every container.
mount_system() { # <root>
  local device
  mount -t tmpfs -o mode=0755,size=1m tmpfs "$1/dev"
  for device in null zero full random urandom; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
  done
  mount -t proc proc "$1/proc"
}

in_image() { chroot "$1" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${@:2}"; }

# The stage's RUN, in a layer that is kept until it, or the base, changes.
make_layer() {
  local layer
  layer=$kept/layer-$({
    echo "$run"
    stat -c %Y "$kept/base-$suite.tar"
  } | sha256sum | cut -c1-16).tar
  base_kb=$(du -sk --one-file-system "$root" | cut -f1)
  if [[ -f $layer ]]; then
    unpack "$layer"
    return
  fi
  mount_system "$root"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  in_image "$root" DEBIAN_FRONTEND=noninteractive /bin/sh -c "$run" >"$work/run.log" 2>&1 || fail "RUN failed"
  umount --recursive "$root/dev"
  umount "$root/proc"
  : >"$root/etc/resolv.conf"
  rm -f "$kept"/layer-*
  tar -C "$root" -cf "$layer.new" .
  mv "$layer.new" "$layer"
}

# COPY --from=build takes what deploy/image_files.sh puts together there as here; nothing else is copied.
copy_files() {
  local from to
  "$checkout/deploy/image_files.sh"
  while read -r from to; do
    expect "COPY takes only what the build stage made, not $from" test "${from#/src/}" != "$from"
    mkdir -p "$root$to"
    cp -R "$checkout/${from#/src/}." "$root$to"
  done < <(instructions COPY | sed -nE 's/^--from=build[[:space:]]+//p')
  equals "$(instructions COPY | grep -c -v -- '^--from=build')" 0 "COPY from elsewhere"
}

seal() {
  mkdir -p "$image"
  mount --bind "$root" "$image"
  mount -o remount,bind,ro "$image"
  mount_system "$image"
}

# -- the program in it --------------------------------------------------------------------------------------------

# As Kubernetes runs it under the restricted profile. The shell that is replaced keeps its number.
exec_in_image() { # [NAME=value...] <command...>
  exec chroot "$image" /usr/bin/setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all -- /usr/bin/env -i "${variables[@]}" "$@"
}
as_user() { (exec_in_image "$@"); }

# start_in_image <name> <target> [NAME=value...]
start_in_image() {
  local name=$1 target=$2
  shift 2
  process_port[$name]=$(free_port)
  (exec_in_image PORT="${process_port[$name]}" BIND_ADDRESS=127.0.0.1 "$@" "${entrypoint[@]}" "--target=$target") \
    </dev/null >>"$work/$name.log" 2>&1 &
  process_pid[$name]=$!
}

# status_field <name> <field>: of /proc/<pid>/status.
status_field() { sed -nE "s/^$2:[[:space:]]+//p" "/proc/${process_pid[$1]}/status"; }

libraries_found() {
  local listed
  listed=$(in_image "$image" ldd "${entrypoint[0]}") && ! grep 'not found' <<<"$listed"
}
no_compiler() {
  local tool found=0
  for tool in cc c++ gcc g++ clang cpp as ld make cmake ninja ccache git curl wget npm node python3; do
    if in_image "$image" sh -c "command -v $tool" >&2; then found=1; fi
  done
  if in_image "$image" dpkg-query --show | cut -f1 | grep -E -- '-dev$|^(g\+\+|binutils|build-essential|gcc$|gcc-[0-9]+$)' >&2; then found=1; fi
  return "$found"
}
# No file that belongs to the user, and none that everybody may write to, but the places for temporary files.
nothing_writable() {
  [[ -z $(find "$root" -xdev \( -uid "${user%:*}" -o -type f -perm /o+w \) -print | tee /dev/stderr) ]]
}
cannot_write() { ! as_user /bin/sh -c 'touch /tmp/file' 2>/dev/null && ! touch "$image/file" 2>/dev/null; }
runs_as_user() {
  [[ $(status_field app Uid) == "${user%:*}"$'\t'"${user%:*}"$'\t'"${user%:*}"$'\t'"${user%:*}" ]]
}
without_privileges() {
  [[ $(status_field app CapEff) =~ ^0+$ && $(status_field app CapBnd) =~ ^0+$ && $(status_field app NoNewPrivs) == 1 ]]
}
healthy() { as_user PORT="${process_port[$1]}" "${healthcheck[@]}"; }
serves_the_app() { cmp -s "$checkout/http/webapp/dist/index.html" <(curl -sS --max-time 5 "http://127.0.0.1:${process_port[app]}/"); }
has_version() { [[ $(as_user "${entrypoint[@]}" --version) == "mana-ai $(instructions ARG | sed -n 's/^VERSION=//p')" ]]; }
small() { ((added_kb < 100 * 1024)); }
labelled() {
  local name
  for name in title version revision description; do
    grep -q "org.opencontainers.image.$name=" < <(instructions LABEL) || return 1
  done
}

command -v debootstrap >/dev/null || fail "debootstrap is missing: run deploy/deps.sh tests"
[[ -x $checkout/build/release/mana-ai ]] || fail "build/release/mana-ai is missing: deploy/build.sh release mana-ai"
[[ -f $checkout/http/webapp/dist/index.html ]] || fail "the app is not built: deploy/webapp.sh"
mkdir -p "$kept"
make_base
make_layer
copy_files
added_kb=$(($(du -sk --one-file-system "$root" | cut -f1) - base_kb))
seal

echo "size beside the base: $((added_kb / 1024)) MiB ($(du -sk "$root/opt/mana-ai" | cut -f1) KiB of it our own); base: $((base_kb / 1024)) MiB"
report "image: at most 100 MiB beside the base" small
report "image: labels" labelled
report "image: a user by number" test "${user%:*}" -gt 0 -a "${user#*:}" -gt 0
report "image: no compiler, no tools" no_compiler
report "image: ldd finds every library" libraries_found
report "image: nothing the user could change" nothing_writable
report "image: its version is the program's" has_version
report "image: nobody can write to the root file system" cannot_write

# Keys as mounted secrets are: readable by the user, in a file system of their own.
start_database
mount -t tmpfs -o mode=0755,size=1m tmpfs "$image/run"
mkdir "$image/run/secrets"
"$checkout/deploy/secrets.sh" "$work/secrets" "$database_server/$database" "$binary"
cp "$work/secrets"/*.pem "$work/secrets"/*.txt "$image/run/secrets"
start_standin STANDIN_LATENCY_MS=10
start_in_image app runner,auth,sync,web MANA_SERVICE_KEY="$service_key" MANA_LLM_URL="$llm_url" LLM_IS_STANDIN=true SIGN_IN=true \
  SYNC_DATABASE_URL="postgresql://mana_ai_runner:$runner_password@$database_server/$database" "${auth_settings[@]}" "${sync_settings[@]}" \
  MANA_AI_PRIVATE_KEY_PEM_FILE=/run/secrets/mana-ai-private.pem MANA_AI_PUBLIC_KEY_PEM_FILE=/run/secrets/mana-ai-public.pem \
  AUTH_SIGNING_KEY_PEM_FILE=/run/secrets/auth-signing.pem AUDIT_SIGNING_KEY_PEM_FILE=/run/secrets/audit-signing.pem
wait_for 30 "the program in the image is ready" is_ready app
report "image: /ready is 200" is_ready app
report "image: /health is 200" answers app /health
report "image: HEALTHCHECK succeeds" healthy app
report "image: runs as its user" runs_as_user
report "image: runs without capabilities" without_privileges
report "image: serves the app" serves_the_app
insert_goal anna goal-1
insert_mission anna mission-1
planned() { has_iteration anna mission-1; }
wait_for 30 "a mission is planned" planned
report "image: a mission is planned once" planned_well anna mission-1
stop_process app
report "image: ends with 0 on SIGTERM" test "$exit_code" = 0
report "image: HEALTHCHECK fails without the program" test "$(healthy app 2>/dev/null && echo healthy)" = ''
[[ $failed == 0 ]] || fail "not all checks passed"
