#include "infra/metrics/series.hpp"

#include "infra/metrics/user_group.hpp"
#include "messages/errors.hpp"

#include <algorithm>

namespace mana::metrics {

namespace {

const buckets tick_bounds{.1, .5, 1, 2, 5, 10, 30, 60, 120};
const buckets due_bounds{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600};
const buckets planner_bounds{.25, .5, 1, 2, 5, 10, 30, 60};
const buckets http_bounds{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
const buckets stage_bounds{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 120};
const buckets database_bounds{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30};

using label_values = std::vector<std::string_view>;

const label_values encrypted_tables{"notes", "tasks", "events", "journalEntries", "kontextDoc"};

// See actors/llm_client/attempt.hpp.
const label_values attempt_classes{"ok",      "refused_4xx", "rate_limited", "server_error", "timeout",
                                   "connect", "transport",   "invalid",      "too_large",    "cancelled"};

} // namespace

scheduler_metrics::scheduler_metrics(registry& r)
  : ticks(r.one_counter("ticks_total", "Ticks that ran.")),
    tick_duration(r.one_histogram("tick_duration_seconds", "Duration of a tick with its missions.", tick_bounds)),
    plans_produced(r.one_counter("plans_produced_total", "Plans the LLM gave and the parser accepted.")),
    plans_written_back(r.one_counter("plans_written_back_total", "Plans written to the change log.")),
    due_to_planned(r.one_histogram("due_to_planned_seconds",
                                   "From a slot to its committed plan; waiting for a review or a budget counts.",
                                   due_bounds)),
    parse_failures(r.one_counter("parse_failures_total", "LLM answers that are no valid plan.")),
    mission_errors(r.one_counter("mission_errors_total", "Runs that ended in an error.")),
    oldest_claimable_age(
        r.one_gauge("oldest_claimable_age_seconds", "How long the oldest mission that could run has waited.")),
    runs_in_flight(r.one_gauge("runs_in_flight", "Missions that this process is running.")),
    users_over_budget(
        r.one_gauge("users_over_budget", "Users who wait because their runs per hour or tokens per day are spent.")),
    lease_losses(r.one_counter("lease_losses_total", "Runs whose lease went to another replica.")),
    leases_rescued(r.one_counter("leases_rescued_total", "Expired leases of other replicas that were freed.")),
    run_outcomes(r.counters("run_outcomes_total", "Runs by what they came to."), "outcome",
                 {"planned", "failed", "retry", "parked", "lease_lost", "cancelled", "revoked", "account_deleted"}) {}

quarantine_metrics::quarantine_metrics(registry& r)
  : missions(r.one_gauge("quarantined_missions", "Missions that wait for an operator.")),
    crashes(r.one_counter("mission_crashes_total", "Runs that ended with their planner or their whole runner.")),
    quarantines(r.one_counter("quarantines_total", "Missions quarantined for ending too many runs.")) {}

planner_metrics::planner_metrics(registry& r)
  : request_duration(
      r.one_histogram("planner_request_duration_seconds", "Duration of a planner's LLM call.", planner_bounds)),
    tokens(r.one_counter("llm_tokens_total", "LLM tokens that runs and users' tabs used, prompts and answers.")),
    run_stages(r.histograms("run_stage_duration_seconds", "Duration of a run's stages."), "stage",
               {"read", "audit", "llm", "write"}, stage_bounds),
    decrypts(r.counters("decrypts_total", "Fields decrypted."), "table", encrypted_tables),
    grant_skips(r.counters("grant_skips_total", "Grants that were not used."), "reason",
                {"not-configured", "expired", "malformed", "revoked", "wrap-rejected"}),
    scope_violations(r.counters("grant_scope_violations_total", "Reads outside of a grant's scope; must stay 0."),
                     "table", encrypted_tables),
    decrypt_events(r.one_counter("decrypt_events_total", "Records that a run opened, could not open or was refused: "
                                                         "each owes an audit row.")) {}

grant_key_metrics::grant_key_metrics(registry& r)
  : expiry(r.one_gauge("grant_key_expiry_timestamp_seconds", "When the runner's key pair has to be another one.")) {}

user_group_metrics::user_group_metrics(registry& r)
  : runs(r.counters("user_group_runs_total", "Runs that ended, by group of users."), "group", user_groups()),
    tokens(r.counters("user_group_tokens_total", "LLM tokens used, by group of users."), "group", user_groups()),
    wait_seconds(r.counters("user_group_wait_seconds_total", "From slots to first claims, by group of users."), "group",
                 user_groups()) {}

refresher_metrics::refresher_metrics(registry& r)
  : snapshots_new(r.one_counter("snapshots_new_total", "Mission snapshots created.")),
    snapshots_updated(r.one_counter("snapshots_updated_total", "Mission snapshots changed.")),
    rows_applied(r.one_counter("snapshot_rows_applied_total", "Change log rows folded into snapshots.")),
    dirty_rows(r.one_gauge("dirty_rows", "Entries of the dirty queue.")) {}

listener_metrics::listener_metrics(registry& r)
  : healthy(r.one_gauge("listener_healthy", "1 while notifications are known to arrive, else the log is polled.")) {}

audit_metrics::audit_metrics(registry& r)
  : rows(r.one_counter("audit_rows_total", "Audit rows committed.")),
    commits(r.one_counter("audit_commits_total", "Commits that held audit rows.")),
    rows_found(r.one_counter("audit_rows_found_total", "Audit rows that an earlier try had committed already.")),
    rows_given_up(r.one_counter("audit_rows_given_up_total", "Audit rows not committed in time: what they tell of was "
                                                             "not used.")),
    unavailable(r.one_counter("audit_unavailable_total", "Runs whose audit rows could not be committed in time.")),
    duration(r.one_histogram("audit_duration_seconds", "Time a run waited for its audit rows.", stage_bounds)) {}

maintenance_metrics::maintenance_metrics(registry& r)
  : last_success(r.one_gauge("maintenance_last_success_timestamp_seconds",
                             "When the tables were last seen to, here or by another replica.")),
    failures(r.one_counter("maintenance_failures_total", "Attempts to see to the tables that failed.")),
    partitions_dropped(r.one_counter("audit_partitions_dropped_total", "Months of audit rows beyond retention.")) {}

llm_metrics::llm_metrics(registry& r)
  : calls_in_flight(r.one_gauge("llm_calls_in_flight", "LLM requests under way.")),
    calls_waiting(r.one_gauge("llm_calls_waiting", "LLM calls that wait for a free place.")),
    circuit_open(r.one_gauge("llm_circuit_open", "1 while no LLM endpoint takes calls.")),
    attempts(r.counters("llm_attempts_total", "HTTP requests to the LLM by outcome."), "class", attempt_classes),
    retries_spent(r.one_counter("llm_retries_spent_total", "LLM calls not repeated: the retry budget was spent.")),
    limits_(r.gauges("llm_endpoint_limit", "Calls that an endpoint gets at once, as adapted.")),
    in_flight_(r.gauges("llm_endpoint_in_flight", "Requests under way at an endpoint.")),
    circuits_(r.gauges("llm_endpoint_circuit", "Circuit of an endpoint: 0 closed, 1 half open, 2 open.")),
    failovers_(r.counters("llm_failovers_total", "Calls sent to an endpoint because those before it took none.")) {}

llm_metrics::endpoint_series llm_metrics::endpoint(std::size_t number) {
  prometheus::Labels label{{"endpoint", std::to_string(number + 1)}};
  return {limits_.Add(label), in_flight_.Add(label), circuits_.Add(label), failovers_.Add(label)};
}

// -- database ---------------------------------------------------------------------------------------

database_metrics::database_metrics(registry& r)
  : queue_depth(r.one_gauge("database_queue_depth", "Jobs that wait for a connection.")),
    pool_wait(
        r.one_histogram("database_pool_wait_seconds", "Time a job waited for a free connection.", database_bounds)),
    statements_(r.histograms("database_statement_seconds", "Duration of database jobs.")) {}

histogram& database_metrics::statement(std::string_view name) {
  std::lock_guard guard{mutex_};
  auto i = by_name_.find(name);
  if (i == by_name_.end())
    i = by_name_.emplace(name, &statements_.Add({{"name", std::string{name}}}, database_bounds)).first;
  return *i->second;
}

// -- vault ------------------------------------------------------------------------------------------

vault_metrics::vault_metrics(registry& r)
  : attempts_(r.counters("vault_attempts_total", "Uses of vaults, by action and outcome.")),
    unrecorded(r.one_counter("vault_unrecorded_total", "Refused uses of vaults that could not be recorded.")) {}

counter& vault_metrics::attempt(std::string_view action, std::string_view outcome) {
  return attempts_.Add({{"action", std::string{action}}, {"outcome", std::string{outcome}}});
}

// -- sync -------------------------------------------------------------------------------------------

sync_metrics::sync_metrics(registry& r)
  : rows_pushed(r.one_counter("sync_rows_pushed_total", "Changes of clients appended to the log.")),
    rows_repeated(r.one_counter("sync_rows_repeated_total", "Changes pushed again that the log had already.")),
    rows_pulled(r.one_counter("sync_rows_pulled_total", "Rows of the log sent to clients.")),
    notices(r.one_counter("sync_notices_total", "Notices of committed changes that arrived from the database.")),
    messages(r.one_counter("sync_messages_total", "Messages about changes sent to WebSockets.")),
    sockets(r.one_gauge("sync_sockets", "WebSockets of signed-in users that are open.")),
    listener_healthy(r.one_gauge("sync_listener_healthy", "1 while notices of changes are known to arrive.")),
    sockets_closed(r.counters("sync_sockets_closed_total", "WebSockets closed, by why."), "reason",
                   {"client", "unauthorized", "expired", "refused", "slow", "restart"}) {}

// -- traces -----------------------------------------------------------------------------------------

tracing_metrics::tracing_metrics(registry& r)
  : exported(r.one_counter("spans_exported_total", "Spans that the collector took.")),
    dropped(r.counters("spans_dropped_total", "Spans that were not exported, by why."), "reason",
            {"queue_full", "retries_spent", "rejected", "shutdown"}) {}

// -- HTTP -------------------------------------------------------------------------------------------

http_metrics::http_metrics(registry& r)
  : requests_(r.counters("http_requests_total", "HTTP requests answered.")),
    durations_(r.histograms("http_request_duration_seconds", "Time from a request to its answer.")) {}

void http_metrics::record(std::string_view method, std::string_view pattern, unsigned status,
                          std::chrono::nanoseconds duration) {
  constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  if (std::find(std::begin(methods), std::end(methods), method) == std::end(methods))
    method = "OTHER";
  if (pattern.empty())
    pattern = "unmatched";
  std::lock_guard guard{mutex_};
  auto [i, is_new] = known_.try_emplace({std::string{method}, std::string{pattern}, status});
  if (is_new) {
    prometheus::Labels labels{
        {"method", std::string{method}}, {"path", std::string{pattern}}, {"status", std::to_string(status)}};
    i->second = {&requests_.Add(labels), &durations_.Add(labels, http_bounds)};
  }
  i->second.requests->Increment();
  i->second.duration->Observe(seconds(duration));
}

} // namespace mana::metrics
