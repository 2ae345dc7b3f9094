#!/usr/bin/env bash
# Checks what deploy/ brings for Prometheus with the programs that will read it, and the rules against the code. Prints
# `ok <check>` or `FAIL <check>` for each; exit code 1 when one failed. Needs the packages of `deploy/deps.sh tests`.
# shellcheck disable=SC2317 # functions are called through check
set -euo pipefail
cd "$(dirname "$0")/../.."

config=deploy/prometheus
rules=$config/rules
cases=tests/deploy/prometheus
runbooks=deploy/runbooks
failed=0

verdict() { # <rc> <check>
  if (($1 == 0)); then
    echo "ok $2"
  else
    echo "FAIL $2"
    failed=1
  fi
}

# check <name> <command...>: the command's output is shown when it fails.
check() {
  local name=$1 rc=0 out
  shift
  out=$("$@" 2>&1) || rc=$?
  ((rc == 0)) || printf '%s\n' "$out"
  verdict "$rc" "$name"
}

have() {
  local program rc=0
  for program in "$@"; do
    command -v "$program" >/dev/null || {
      echo "$program is missing: deploy/deps.sh tests"
      rc=1
    }
  done
  return "$rc"
}

# -- what the code exports ----------------------------------------------------------------------------------------

# The golden file lists every series, and a unit test holds it against the code.
exported() {
  sed -nE 's/^(mana_ai_[a-z0-9_]+) (counter|gauge) .*/\1/p; s/^(mana_ai_[a-z0-9_]+) histogram .*/\1_bucket\n\1_sum\n\1_count/p' \
    tests/unit/metrics/series.golden | sort -u
}

# The names as they stand in the source, without their prefix.
in_source() { cat infra/metrics/*.cpp | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u; }

# Names of metrics in files; recorded ones have a colon and are judged by themselves. Logins begin alike.
metrics_in() {
  grep -ohE '\b[a-z_:]*mana_ai_[a-z0-9_:]+' "$@" | grep -vE ':|_$|^mana_ai_(owner|runner|migrator)$' | sort -u
}

is_exported() { # <metric>
  local plain=${1#mana_ai_}
  plain=${plain#process_}
  plain=${plain%_bucket}
  plain=${plain%_sum}
  plain=${plain%_count}
  grep -qxF "$1" <<<"$known_metrics" && grep -qxF "$plain" <<<"$source_names"
}

# Series of Prometheus itself and of the blackbox exporter, as far as rules use them.
foreign_metrics='up probe_success probe_ssl_earliest_cert_expiry'

# The names in front of a selector or a range, or within parentheses, that are neither ours nor known from elsewhere.
unknown_metrics() {
  local name
  # Expressions alone: from `expr:` to the next key, without labels, strings, durations and what is no metric.
  awk '/^ *expr:/ { inside = 1; sub(/^ *expr: *\|? */, ""); print; next }
       /^ *(- )?[a-z_]+:( |$)/ || /^ *#/ { inside = 0 }
       inside' "$@" |
    sed -E 's/"[^"]*"//g; s/\{[^}]*\}//g; s/\[[^]]*\]//g; s/\b(by|on) \([a-z, _]*\)//g' |
    grep -oE '[a-z_][a-z0-9_:]*( *\()?' | grep -v '(' | tr -d ' ' | sort -u |
    while read -r name; do
      case $name in
        or | and | unless | offset | m | h | d) ;;
        mana_ai_*) ;;
        *:*) grep -qE "^ *- record: $name\$" "$rules"/*.yml || echo "$name" ;;
        *) [[ " $foreign_metrics " == *" $name "* ]] || echo "$name" ;;
      esac
    done
}
no_unknown_metrics() {
  local found
  found=$(unknown_metrics "$@")
  [[ -z $found ]] || {
    echo "$found"
    return 1
  }
}

# What the exporter's own check lets pass: probers that it does not have, and modules that nobody wrote.
modules_fit() {
  local module rc=0
  if grep -E '^ +prober:' "$config/blackbox.yml" | grep -vE 'prober: (http|tcp|dns|icmp|grpc)$'; then rc=1; fi
  while read -r module; do
    grep -qE "^  $module:\$" "$config/blackbox.yml" || {
      echo "blackbox.yml has no module $module"
      rc=1
    }
  done < <(sed -nE 's/^ *module: \[(.*)\]$/\1/p' "$config/prometheus.yml")
  return "$rc"
}

# -- alerts and their cases ---------------------------------------------------------------------------------------

alerts() { sed -nE 's/^ *- alert: (\S+)$/\1/p' "$rules"/*.yml; }

# has_case <alert> fires|quiet
has_case() {
  awk -v alert="$1" -v wanted="$2" '
    $1 == "alertname:" { name = $2 }
    $1 == "exp_alerts:" && name == alert { seen[$2 == "[]" ? "quiet" : "fires"] = 1 }
    END { exit !(wanted in seen) }' "$cases"/*.yml
}

# The lines of one alert's rule.
rule_of() { awk -v alert="$1" '/^ *- (alert|record):/ { mine = $3 == alert } mine' "$rules"/*.yml; }

is_complete() { # <alert>
  local key rule
  rule=$(rule_of "$1")
  for key in severity summary description runbook_url; do
    grep -qE "^ *$key: \S" <<<"$rule" || {
      echo "$1 has no $key"
      return 1
    }
  done
}

has_runbook() { # <alert>
  local file
  file=$runbooks/$(rule_of "$1" | sed -nE "s/^ *runbook_url: .*\/([^/]+\.md)'\$/\1/p")
  [[ -f $file ]] && grep -qF "$1" "$file"
}

# An installation changes one line: no other file says where the runbooks are.
one_place_for_runbooks() {
  local found
  found=$(
    grep -rnF "$(sed -nE 's/^ *url: (\S+)$/\1/p' "$rules/runbooks.yml")" deploy | grep -v "^$rules/runbooks.yml:"
    grep -n 'runbook_url:' "$rules/alerts.yml" | grep -vF 'query "mana_ai:runbooks"'
  ) || true
  [[ -z $found ]] || {
    echo "$found"
    return 1
  }
}

# -- runbooks -----------------------------------------------------------------------------------------------------

# each <regex> <test> <what it is not>: every match in the runbooks has to pass.
each() {
  local found rc=0
  while read -r found; do
    "$2" "$found" || {
      echo "$found: $3"
      rc=1
    }
  done < <(grep -ohE "$1" "$runbooks"/*.md | sort -u)
  return "$rc"
}

# Of the service (<NAME>_FILE names a file with the value of <NAME>), of deploy/up.sh, or of a rehearsal that a runbook
# names; or psql's, or an answer's code.
is_setting() {
  grep -qE "\"($1|${1%_FILE})\"" infra/config/settings_table.cpp || grep -qE "\b$1\b" deploy/up.sh tests/e2e/*.sh ||
    [[ $1 == ON_ERROR_STOP || $1 == VAULT_KEY_UNKNOWN ]]
}

is_command() {
  local words=${1#mana-ai }
  case $words in
    check* | migrate* | keygen*) words=${words%% *} ;;
  esac
  [[ $words == --help ]] || grep -qF "\"$words\"" infra/config/command_line.cpp
}

is_option() {
  local option
  while read -r option; do
    grep -qF "\"$option\"" infra/config/command_line.cpp || return 1
  done < <(grep -oE '(^| )--[a-z]+' <<<"$1" | tr -d ' ')
}

# A part in braces, or a shell's variable, is any part in braces of the code.
is_route() {
  local pattern vault=/api/v1/me/encryption-vault
  pattern=$(sed -E 's/(\{[A-Za-z]+\}|\$[a-z]+)/\\{[A-Za-z]+\\}/g' <<<"$1")
  grep -rqE "\"$pattern\"" --include='*.cpp' http ||
    { [[ $1 == "$vault"/* ]] && grep -qF "vault + \"${1#"$vault"}\"" http/vault_routes.cpp; }
}

links_lead_somewhere() {
  local file link rc=0
  while IFS=: read -r file link; do
    link=${link#](}
    [[ -e ${file%/*}/${link%)} ]] || {
      echo "$file: $link is not there"
      rc=1
    }
  done < <(grep -oE '\]\([^)]+\)' "$runbooks"/*.md)
  return "$rc"
}

# -----------------------------------------------------------------------------------------------------------------

known_metrics=$(exported)
source_names=$(in_source)

check "programs are installed" have promtool amtool prometheus-blackbox-exporter
((failed == 0)) || exit 1

check "prometheus.yml" promtool check config "$config/prometheus.yml"
check "rules" promtool check rules --lint=all --lint-fatal "$rules"/*.yml
check "alertmanager.yml" amtool check-config "$config/alertmanager.yml"
check "blackbox.yml" prometheus-blackbox-exporter --config.check "--config.file=$config/blackbox.yml"
check "modules of blackbox.yml" modules_fit
for file in "$cases"/*.yml; do check "cases of $(basename "$file" .yml)" promtool test rules "$file"; done
for alert in $(alerts); do
  check "$alert is complete" is_complete "$alert"
  check "$alert has a case in which it fires" has_case "$alert" fires
  check "$alert has a case in which it does not" has_case "$alert" quiet
  check "$alert has a runbook" has_runbook "$alert"
done
for metric in $(metrics_in "$rules"/*.yml "$runbooks"/*.md); do check "$metric is exported" is_exported "$metric"; done
check "other series of rules are known" no_unknown_metrics "$rules"/*.yml
check "settings in runbooks" each '\b[A-Z]{2,}[A-Z0-9]*(_[A-Z0-9]+)+\b' is_setting "no setting"
check "commands in runbooks" each 'mana-ai (audit|missions) [a-z]+|mana-ai (-*[a-z]+)\b' is_command "no command"
check "options in runbooks" each 'mana-ai [a-z][^`|#)]*' is_option "no option"
check "routes in runbooks" each "/(internal/|api/|sync/|health|ready|metrics)[]A-Za-z0-9/{}\$_-]*" is_route "no route"
check "one place says where the runbooks are" one_place_for_runbooks
check "links in runbooks" links_lead_somewhere
exit "$failed"
