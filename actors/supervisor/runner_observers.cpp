#include "actors/supervisor/runner_observers.hpp"

#include "actors/supervisor/run_spans.hpp"
#include "infra/log/log.hpp"
#include "infra/log/trouble_tracker.hpp"
#include "infra/metrics/series.hpp"
#include "infra/metrics/user_group.hpp"

#include <algorithm>
#include <mutex>

namespace mana {

namespace {

void log_run(const run_finished& run) {
  auto level = ended_as_it_should(run) ? log::level::info : log::level::warn;
  log::write(level, "run_finished",
             {{"trace_id", run.span.context.trace},
              {"span_id", run.span.context.span},
              {"mission", run.held.key.mission},
              {"user", run.held.key.user},
              {"slot", run.slot},
              {"attempt", run.attempt},
              {"outcome", outcome_of(run)},
              {"error", run.error ? to_string(*run.error) : std::string_view{}},
              {"detail", run.detail},
              {"rejected_answers", run.parse_failures},
              {"grant", run.grant},
              {"decrypted_records", run.decrypted_records},
              {"tokens", run.tokens},
              {"read", run.read},
              {"audit", run.audit},
              {"llm", run.llm},
              {"write", run.write},
              {"retry_after", run.retry_after}});
}

void count_for_user(metrics::user_group_metrics& g, const run_finished& run) {
  auto group = metrics::user_group(run.held.key.user.value);
  g.runs[group].Increment();
  g.tokens[group].Increment(static_cast<double>(run.tokens));
  if (run.due_to_claimed.count() > 0)
    g.wait_seconds[group].Increment(metrics::seconds(run.due_to_claimed));
}

void count_run(metrics::scheduler_metrics& s, metrics::planner_metrics& p, const run_finished& run) {
  s.run_outcomes[outcome_of(run)].Increment();
  s.parse_failures.Increment(static_cast<double>(run.parse_failures));
  p.tokens.Increment(static_cast<double>(run.tokens));
  if (run.plan_produced)
    s.plans_produced.Increment();
  if (run.ended == run_end::planned && run.written) {
    s.plans_written_back.Increment();
    s.due_to_planned.Observe(std::max(0.0, metrics::seconds(run.due_to_ended)));
  }
  if (run.error)
    s.mission_errors.Increment();
  if (run.llm.count() > 0) {
    p.request_duration.Observe(metrics::seconds(run.llm));
    p.run_stages["llm"].Observe(metrics::seconds(run.llm));
  }
  if (run.read.count() > 0)
    p.run_stages["read"].Observe(metrics::seconds(run.read));
  if (run.audit.count() > 0)
    p.run_stages["audit"].Observe(metrics::seconds(run.audit));
  if (run.write.count() > 0)
    p.run_stages["write"].Observe(metrics::seconds(run.write));
}

} // namespace

// -- troubles ---------------------------------------------------------------------------------------

struct trouble_log::shared {
  std::mutex mutex;
  log::trouble_tracker tracker;
};

trouble_log::trouble_log() : shared_(std::make_unique<shared>()) {}
trouble_log::~trouble_log() = default;

void trouble_log::happened(std::string_view what, const failure& why) {
  auto text = std::string{to_string(why.code)}.append(": ").append(why.detail);
  std::lock_guard lock{shared_->mutex};
  if (auto left_out = shared_->tracker.happened(what, text, std::chrono::steady_clock::now()))
    log::warn("trouble", {{"what", what}, {"error", why.code}, {"detail", why.detail}, {"left_out", *left_out}});
}

void trouble_log::ended(std::string_view what) {
  std::lock_guard lock{shared_->mutex};
  if (auto over = shared_->tracker.ended(what, std::chrono::steady_clock::now()))
    log::info("recovered", {{"what", what}, {"failures", over->times}, {"lasted", over->lasted}});
}

void trouble_log::forget(std::string_view what) {
  std::lock_guard lock{shared_->mutex};
  shared_->tracker.ended(what, {});
}

// -- observers --------------------------------------------------------------------------------------

audit_observer observe_audit(metrics::registry& r, trouble_log_ptr troubles) {
  auto m = std::make_shared<metrics::audit_metrics>(r);
  audit_observer o;
  o.committed = [m, troubles](std::size_t rows) {
    m->rows.Increment(static_cast<double>(rows));
    m->commits.Increment();
    troubles->ended("audit");
  };
  o.found = [m](std::size_t rows) { m->rows_found.Increment(static_cast<double>(rows)); };
  o.given_up = [m](std::size_t rows) { m->rows_given_up.Increment(static_cast<double>(rows)); };
  o.answered = [m](std::chrono::nanoseconds waited, bool written) {
    m->duration.Observe(metrics::seconds(waited));
    if (!written)
      m->unavailable.Increment();
  };
  o.failed = [troubles](const failure& f) { troubles->happened("audit", f); };
  return o;
}

llm_proxy_observer observe_llm_proxy(metrics::registry& r, trouble_log_ptr troubles) {
  auto p = std::make_shared<metrics::planner_metrics>(r);
  auto g = std::make_shared<metrics::user_group_metrics>(r);
  llm_proxy_observer o;
  o.tokens_used = [p, g](const user_id& user, std::int64_t n) {
    p->tokens.Increment(static_cast<double>(n));
    g->tokens[metrics::user_group(user.value)].Increment(static_cast<double>(n));
  };
  o.settled = [troubles] { troubles->ended("settle_tokens"); };
  o.not_settled = [troubles](const failure& f) { troubles->happened("settle_tokens", f); };
  return o;
}

maintenance_observer observe_maintenance(metrics::registry& r, trouble_log_ptr troubles) {
  auto m = std::make_shared<metrics::maintenance_metrics>(r);
  maintenance_observer o;
  o.done = [m, troubles](const maintained& what) {
    m->last_success.SetToCurrentTime();
    m->partitions_dropped.Increment(what.partitions_dropped);
    troubles->ended("maintenance");
    if (!what.elsewhere)
      log::write(
          log::level::info, "maintained",
          {{"audit_partitions_made", what.partitions_made}, {"audit_partitions_dropped", what.partitions_dropped}});
  };
  o.failed = [m, troubles](const failure& f) {
    m->failures.Increment();
    troubles->happened("maintenance", f);
  };
  return o;
}

database_observer observe_side_pool(metrics::registry& r) {
  auto o = observe_database(r);
  o.queue_depth = [](std::size_t) {};
  return o;
}

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

llm_observer observe_llm(metrics::registry& r, const llm_client_config& config, const tracing::tracer& tracer) {
  auto m = std::make_shared<metrics::llm_metrics>(r);
  llm_observer o;
  o.tracer = tracer;
  o.attempt = [m, tracer, endpoints = llm_endpoints_of(config)](const llm_attempt& a) {
    m->attempts[a.what].Increment();
    log::debug("llm_attempt", {{"trace_id", a.span.context.trace},
                               {"span_id", a.span.context.span},
                               {"class", a.what},
                               {"endpoint", a.endpoint + 1},
                               {"retry", a.retry},
                               {"status", a.status},
                               {"took", a.took}});
    tracer.end(a.span, a.took, [&](ended_span& out) { describe(a, endpoints.at(a.endpoint), out); });
  };
  o.failed_over = [m](std::size_t endpoint) { m->endpoint(endpoint).failovers.Increment(); };
  o.retries_spent = [m] { m->retries_spent.Increment(); };
  return o;
}

planner_observer observe_planner(metrics::registry& r, const tracing::tracer& tracer) {
  auto m = std::make_shared<metrics::planner_metrics>(r);
  planner_observer o;
  o.tracer = tracer;
  o.stage_ended = [tracer](const ended_stage& s) {
    tracer.end(s.span, s.took, [&](ended_span& out) { describe(s, out); });
  };
  o.grant_skipped = [m](crypto::grant_skip why) { m->grant_skips[crypto::to_string(why)].Increment(); };
  o.decrypted = [m](std::string_view table, std::size_t fields) {
    m->decrypts[table].Increment(static_cast<double>(fields));
  };
  o.outside_scope = [m](std::string_view table) { m->scope_violations[table].Increment(); };
  o.owes_audit = [m](std::size_t records) { m->decrypt_events.Increment(static_cast<double>(records)); };
  return o;
}

write_observer observe_writer(trouble_log_ptr troubles) {
  write_observer o;
  o.written = [troubles] { troubles->ended("write"); };
  o.failed = [troubles](const failure& f) { troubles->happened("write", f); };
  return o;
}

listener_observer observe_listener(metrics::registry& r, trouble_log_ptr troubles) {
  auto m = std::make_shared<metrics::listener_metrics>(r);
  listener_observer o;
  o.hears = [m, troubles] {
    m->healthy.Set(1);
    troubles->ended("listen");
    log::info("listener_hears");
  };
  o.deaf = [m, troubles](const failure& f) {
    m->healthy.Set(0);
    troubles->happened("listen", f);
  };
  return o;
}

refresher_observer observe_refresher(metrics::registry& r, trouble_log_ptr troubles, std::function<void()> wake) {
  auto m = std::make_shared<metrics::refresher_metrics>(r);
  refresher_observer o;
  o.refreshed = [m, wake = std::move(wake)](const snapshots_refreshed& s) {
    m->snapshots_new.Increment(static_cast<double>(s.created));
    m->snapshots_updated.Increment(static_cast<double>(s.updated));
    m->rows_applied.Increment(static_cast<double>(s.rows_applied));
    wake();
  };
  o.deferred = [](std::size_t n) { log::error("missions_not_folded", {{"entries", n}}); };
  o.failed = [troubles](const failure& f) { troubles->happened("refresh", f); };
  return o;
}

scheduler_observers observe_scheduler(metrics::registry& r, trouble_log_ptr troubles, const tracing::tracer& tracer) {
  auto s = std::make_shared<metrics::scheduler_metrics>(r);
  auto p = std::make_shared<metrics::planner_metrics>(r);
  auto q = std::make_shared<metrics::quarantine_metrics>(r);
  auto g = std::make_shared<metrics::user_group_metrics>(r);
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
  o.missions_crashed = [q](std::size_t n) { q->crashes.Increment(static_cast<double>(n)); };
  o.mission_quarantined = [q](const mission_key& key) {
    q->quarantines.Increment();
    log::error("mission_quarantined",
               {{"mission", key.mission},
                {"user", key.user},
                {"advice", "its runs ended their runner; find out why, then `mana-ai missions release`"}});
  };
  o.oldest_waiting = [s](std::chrono::milliseconds age) { s->oldest_claimable_age.Set(metrics::seconds(age)); };
  // After every claim that succeeded: the database is there, what fails next is a new trouble.
  o.missions_claimed = [troubles](std::size_t) {
    troubles->ended("claim");
    for (auto* what : {"refresh", "renew", "hand_back"})
      troubles->forget(what);
  };
  o.tracer = tracer;
  o.run_ended = [s, p, g, tracer](const run_finished& run) {
    count_run(*s, *p, run);
    count_for_user(*g, run);
    log_run(run);
    tracer.end(run.span, [&](ended_span& out) { describe(run, out); });
  };
  // A refresh of a tick that fails is the refresher's trouble, too, and written once.
  o.trouble = [troubles](std::string_view what, const failure& f) { troubles->happened(what, f); };
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
