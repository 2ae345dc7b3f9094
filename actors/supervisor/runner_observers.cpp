#include "actors/supervisor/runner_observers.hpp"

#include "infra/log/log.hpp"
#include "infra/metrics/series.hpp"

#include <memory>

namespace mana {

namespace {

std::string_view outcome_of(const run_finished& run) {
  if (run.ended)
    switch (*run.ended) {
      case run_end::planned: return "planned";
      case run_end::failed: return "failed";
      case run_end::retry: return "retry";
      case run_end::parked: return "parked";
    }
  return run.error == errc::lease_lost ? "lease_lost" : "cancelled";
}

void log_run(const run_finished& run) {
  auto level = run.ended == run_end::planned ? log::level::info : log::level::warn;
  log::write(level, "run_finished",
             {{"mission", run.held.key.mission},
              {"user", run.held.key.user},
              {"slot", run.slot},
              {"attempt", run.attempt},
              {"outcome", outcome_of(run)},
              {"error", run.error ? to_string(*run.error) : std::string_view{}},
              {"detail", run.detail},
              {"rejected_answers", run.parse_failures},
              {"read", run.read},
              {"llm", run.llm},
              {"write", run.write},
              {"retry_after", run.retry_after}});
}

void count_run(metrics::scheduler_metrics& s, metrics::planner_metrics& p, const run_finished& run) {
  s.run_outcomes[outcome_of(run)].Increment();
  s.parse_failures.Increment(static_cast<double>(run.parse_failures));
  if (run.plan_produced)
    s.plans_produced.Increment();
  if (run.ended == run_end::planned && run.written)
    s.plans_written_back.Increment();
  if (run.error)
    s.mission_errors.Increment();
  if (run.llm.count() > 0) {
    p.request_duration.Observe(metrics::seconds(run.llm));
    p.run_stages["llm"].Observe(metrics::seconds(run.llm));
  }
  if (run.read.count() > 0)
    p.run_stages["read"].Observe(metrics::seconds(run.read));
  if (run.write.count() > 0)
    p.run_stages["write"].Observe(metrics::seconds(run.write));
}

} // namespace

database_observer observe_database(metrics::registry& r) {
  auto m = std::make_shared<metrics::database_metrics>(r);
  database_observer o;
  o.job = [m](const char* name, std::chrono::nanoseconds waited, std::chrono::nanoseconds ran, bool) {
    m->pool_wait.Observe(metrics::seconds(waited));
    m->statement(name).Observe(metrics::seconds(ran));
  };
  o.queue_depth = [m](std::size_t n) { m->queue_depth.Set(static_cast<double>(n)); };
  return o;
}

llm_observer observe_llm(metrics::registry& r) {
  auto m = std::make_shared<metrics::llm_metrics>(r);
  return {[m](std::string_view outcome, std::chrono::nanoseconds) { m->attempts[outcome].Increment(); }};
}

listener_observer observe_listener() {
  listener_observer o;
  o.connected = [] { log::info("listener_connected"); };
  o.lost = [](const failure& f) { log::warn("listener_lost", {{"error", f.code}, {"detail", f.detail}}); };
  return o;
}

refresher_observer observe_refresher(metrics::registry& r, std::function<void()> wake) {
  auto m = std::make_shared<metrics::refresher_metrics>(r);
  refresher_observer o;
  o.refreshed = [m, wake = std::move(wake)](const snapshots_refreshed& s) {
    m->snapshots_new.Increment(static_cast<double>(s.created));
    m->snapshots_updated.Increment(static_cast<double>(s.updated));
    m->rows_applied.Increment(static_cast<double>(s.rows_applied));
    wake();
  };
  o.deferred = [](std::size_t n) { log::error("missions_not_folded", {{"entries", n}}); };
  o.failed = [](const failure& f) { log::warn("refresh_failed", {{"error", f.code}, {"detail", f.detail}}); };
  return o;
}

scheduler_observers observe_scheduler(metrics::registry& r) {
  auto s = std::make_shared<metrics::scheduler_metrics>(r);
  auto p = std::make_shared<metrics::planner_metrics>(r);
  scheduler_observers o;
  o.tick_started = [s] { s->ticks.Increment(); };
  o.tick_ended = [s](std::chrono::nanoseconds d) { s->tick_duration.Observe(metrics::seconds(d)); };
  o.runs_in_flight = [s](std::size_t n) { s->runs_in_flight.Set(static_cast<double>(n)); };
  o.lease_lost = [s] { s->lease_losses.Increment(); };
  o.leases_rescued = [s](std::size_t n) {
    s->leases_rescued.Increment(static_cast<double>(n));
    if (n > 0)
      log::warn("leases_rescued", {{"missions", n}});
  };
  o.oldest_waiting = [s](std::chrono::milliseconds age) { s->oldest_claimable_age.Set(metrics::seconds(age)); };
  o.run_ended = [s, p](const run_finished& run) {
    count_run(*s, *p, run);
    log_run(run);
  };
  o.trouble = [](std::string_view what, const failure& f) {
    log::warn("scheduler_trouble", {{"what", what}, {"error", f.code}, {"detail", f.detail}});
  };
  return o;
}

schema_observer observe_schema(std::function<void(const schema_status&)> publish) {
  schema_observer o;
  auto last = std::make_shared<std::string>("unknown");
  o.looked = [publish = std::move(publish), last](const schema_status& s) {
    publish(s);
    auto now = s.migrated ? std::string{} : s.failing_because;
    if (now == *last)
      return;
    *last = now;
    if (!s.migrated)
      log::error("schema_not_ready", {{"detail", s.failing_because}});
    else
      log::info("schema_ready");
    for (auto& w : s.warnings)
      log::warn("schema_warning", {{"detail", w}});
  };
  o.migrated = [](std::size_t n) { log::info("migrated", {{"applied", n}}); };
  o.failed = [](const failure& f) { log::error("migration_failed", {{"error", f.code}, {"detail", f.detail}}); };
  return o;
}

} // namespace mana
