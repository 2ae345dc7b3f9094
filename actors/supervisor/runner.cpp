#include "actors/supervisor/runner.hpp"

#include "actors/audit_reader/audit_reader_actor.hpp"
#include "actors/audit_writer/audit_writer_actor.hpp"
#include "actors/change_listener/runner_hearing.hpp"
#include "actors/database/database_actor.hpp"
#include "actors/foreground_runs/foreground_runs_actor.hpp"
#include "actors/iteration_writer/iteration_writer_actor.hpp"
#include "actors/llm_client/llm_client_actor.hpp"
#include "actors/llm_proxy/llm_proxy_actor.hpp"
#include "actors/maintenance/maintenance_actor.hpp"
#include "actors/mission/time_zone.hpp"
#include "actors/mission_claimer/mission_claimer_actor.hpp"
#include "actors/mission_directory/mission_directory_actor.hpp"
#include "actors/mission_quarantine/mission_quarantine_actor.hpp"
#include "actors/planner/planner_actor.hpp"
#include "actors/planner/token_estimate.hpp"
#include "actors/record_reader/record_reader_actor.hpp"
#include "actors/scheduler/backoff.hpp"
#include "actors/scheduler/scheduler_actor.hpp"
#include "actors/supervisor/gauge_sampler.hpp"
#include "actors/supervisor/llm_settings.hpp"
#include "actors/supervisor/runner_observers.hpp"
#include "actors/user_eraser/user_eraser_actor.hpp"
#include "infra/log/log.hpp"
#include "infra/metrics/series.hpp"

#include <mutex>

namespace mana {

namespace {

timestamp wall_clock() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

scheduler_config scheduler_config_of(const config::settings& s) {
  scheduler_config c;
  c.tick_enabled = s.tick_enabled;
  c.tick_interval = s.tick_interval;
  c.max_runs = s.max_runs;
  c.max_runs_per_user = s.max_runs_per_user;
  c.lease_duration = s.lease;
  return c;
}

planner_config planner_config_of(const config::settings& s) {
  planner_config c;
  c.retry.max_attempts = static_cast<unsigned>(s.max_attempts);
  c.retry.between.base = s.retry_base;
  c.retry.between.max = s.retry_max;
  c.retry.circuit_pause = s.circuit_open;
  c.default_time_zone = s.default_time_zone;
  c.audit_timeout = s.audit_timeout;
  c.accept_v1 = s.grants_v1;
  return c;
}

user_budgets budgets_of(const config::settings& s) {
  user_budgets b;
  b.runs_per_hour = s.runs_per_hour;
  b.tokens_per_day = static_cast<std::int64_t>(s.tokens_per_day);
  b.tokens_per_run = static_cast<std::int64_t>(s.llm_max_tokens) + reserved_prompt_tokens;
  return b;
}

foreground_config foreground_config_of(const config::settings& s) {
  foreground_config c;
  c.terms = {s.lease, s.max_runs_per_user, budgets_of(s)};
  return c;
}

void export_key_expiry(const std::string& day, metrics::registry& r) {
  if (auto at = parse_iso(day + "T00:00:00Z"))
    metrics::grant_key_metrics{r}.expiry.Set(std::chrono::duration<double>(at->time_since_epoch()).count());
}

llm_proxy_config llm_proxy_config_of(const config::settings& s) {
  llm_proxy_config c;
  c.limits.per_minute = s.llm_calls_per_minute;
  c.tokens_per_day = static_cast<std::int64_t>(s.tokens_per_day);
  c.max_answer_tokens = static_cast<int>(s.llm_max_tokens);
  return c;
}

} // namespace

// Read by the HTTP loop, written by actors.
struct runner::shared {
  mutable std::mutex mutex;
  runner_handles handles;
  schema_status schema{false, "not looked at yet", {}};

  void wake_scheduler() const {
    scheduler_actor scheduler;
    {
      std::lock_guard lock{mutex};
      scheduler = handles.scheduler;
    }
    if (scheduler)
      caf::anon_send(scheduler, work_available{});
  }
};

runner::runner(caf::actor_system& system, std::shared_ptr<shared> board)
  : system_(system), board_(std::move(board)), children_(system) {}

runner::~runner() { stop(); }

result<std::unique_ptr<runner>> runner::start(caf::actor_system& sys, io_loop& llm_loop, const config::settings& s,
                                              metrics::registry& registry, const tracing::tracer& tracer,
                                              give_up on_give_up) {
  auto catalogue = load_embedded_tool_catalogue();
  if (!catalogue)
    return std::move(catalogue).error();
  auto keys = crypto::parse_private_keys(s.ai_private_keys.reveal());
  if (!keys)
    return failure{errc::config_invalid, "MANA_AI_PRIVATE_KEY_PEM: " + keys.error().detail};
  auto llm_config = llm_config_of(s);
  if (auto checked = check(llm_config); !checked)
    return std::move(checked).error();
  auto shared_catalogue = std::make_shared<const tool_catalogue>(std::move(*catalogue));
  auto board = std::make_shared<shared>();
  std::unique_ptr<runner> r{new runner{sys, board}};
  auto url = s.sync_database_url.reveal();
  schedule_policy policy{s.max_open_iterations};
  auto zone = s.default_time_zone;
  if (!time_zone::find(zone))
    return failure{errc::config_invalid, "DEFAULT_TIME_ZONE: not an IANA time zone of this machine"};
  auto budgets = budgets_of(s);
  if (budgets.tokens_per_day > 0 && budgets.tokens_per_day < budgets.tokens_per_run)
    return failure{errc::config_invalid, "TOKENS_PER_DAY: must be 0 or at least "
                                             + std::to_string(budgets.tokens_per_run)
                                             + ", which a run reserves (LLM_MAX_TOKENS and its prompt)"};
  export_key_expiry(s.ai_key_expires, registry);
  auto* reg = &registry;
  auto troubles = std::make_shared<trouble_log>();
  // A factory holds handles of supervised children, which stay valid over restarts.
  auto as_child = [](auto handle) { return caf::actor_cast<caf::actor>(handle); };

  auto database = r->add<database_actor>("database", [=, &sys, n = s.database_connections] {
    return as_child(sys.spawn<mana::database>(database_config{url, n}, observe_database(*reg)));
  });
  r->add<schema_keeper_actor>("schema_keeper", [=, &sys, migration = s.migration_database_url.reveal()] {
    auto publish = [board](const schema_status& status) {
      std::lock_guard lock{board->mutex};
      board->schema = status;
    };
    return as_child(sys.spawn<schema_keeper, caf::detached>(schema_keeper_config{runner_schema(), url, migration},
                                                            observe_schema(publish)));
  });
  auto claimer = r->add<mission_claimer_actor>("mission_claimer",
                                               [=, &sys, terms = claim_terms{s.lease, s.replica_name, budgets}] {
                                                 return as_child(sys.spawn<mission_claimer>(database, terms));
                                               });
  auto reader =
      r->add<record_reader_actor>("record_reader", [=, &sys] { return as_child(sys.spawn<record_reader>(database)); });
  auto writer = r->add<iteration_writer_actor>("iteration_writer", [=, &sys] {
    return as_child(sys.spawn<iteration_writer>(database, write_policy{policy, zone}, observe_writer(troubles)));
  });
  audit_writer_config audit_config;
  audit_config.timeout = s.audit_timeout;
  auto audit_database = r->add<database_actor>("audit_database", [=, &sys, n = audit_config.max_parallel] {
    return as_child(sys.spawn<mana::database>(database_config{url, n}, observe_side_pool(*reg)));
  });
  auto audit = r->add<audit_writer_actor>("audit_writer", [=, &sys] {
    return as_child(sys.spawn<audit_writer>(audit_database, audit_config, observe_audit(*reg, troubles)));
  });
  auto llm = r->add<llm_client_actor>("llm_client", [=, &sys, &llm_loop] {
    auto client = spawn_llm_client(sys, llm_loop, llm_config, observe_llm(*reg, llm_config, tracer));
    return client ? as_child(*client) : caf::actor{};
  });
  auto refresher = r->add<snapshot_refresher_actor>("snapshot_refresher", [=, &sys] {
    return as_child(
        sys.spawn<snapshot_refresher>(database, refresher_config{500, 2, policy},
                                      observe_refresher(*reg, troubles, [board] { board->wake_scheduler(); })));
  });
  auto directory = r->add<mission_directory_actor>("mission_directory", [=, &sys, limit = s.max_runs_per_user] {
    return as_child(sys.spawn<mission_directory>(database, llm, limit, budgets));
  });
  auto audits =
      r->add<audit_reader_actor>("audit_reader", [=, &sys] { return as_child(sys.spawn<audit_reader>(database)); });
  auto eraser =
      r->add<user_eraser_actor>("user_eraser", [=, &sys] { return as_child(sys.spawn<user_eraser>(database)); });
  auto quarantine = r->add<mission_quarantine_actor>(
      "mission_quarantine", [=, &sys] { return as_child(sys.spawn<mission_quarantine>(database)); });
  auto foreground = r->add<foreground_runs_actor>("foreground_runs", [=, &sys, config = foreground_config_of(s)] {
    return as_child(
        sys.spawn<foreground_runs>(config, foreground_deps{database, refresher, [board] { board->wake_scheduler(); }}));
  });
  auto proxy = r->add<llm_proxy_actor>("llm_proxy", [=, &sys, config = llm_proxy_config_of(s)] {
    return as_child(sys.spawn<llm_proxy>(config, llm_proxy_deps{database, llm, observe_llm_proxy(*reg, troubles)}));
  });
  auto deps = std::make_shared<planner_deps>();
  deps->config = planner_config_of(s);
  deps->config.keys = std::move(*keys);
  deps->steps = plan_with(shared_catalogue);
  deps->reader = reader;
  deps->llm = llm;
  deps->audit = audit;
  deps->writer = writer;
  deps->observer = observe_planner(*reg, tracer);
  deps->random = random_share;
  auto scheduler_settings = scheduler_config_of(s);
  auto sched = r->add<scheduler_actor>("scheduler", [=, &sys] {
    scheduler_deps d;
    d.claimer = claimer;
    d.refresher = refresher;
    d.make_planner = [&sys, planners = std::shared_ptr<const planner_deps>{deps}](
                         const claimed_mission& m, const started_span& span, const scheduler_actor& owner) {
      return caf::actor_cast<caf::actor>(sys.spawn<planner>(planners, m, owner, span));
    };
    d.now = wall_clock;
    d.random = random_share;
    d.observers = observe_scheduler(*reg, troubles, tracer);
    return as_child(sys.spawn<scheduler>(scheduler_settings, std::move(d)));
  });
  {
    std::lock_guard lock{board->mutex};
    board->handles = {sched, directory, database, llm, audits, eraser, quarantine, foreground, proxy};
  }
  r->add<gauge_sampler_actor>("gauge_sampler",
                              [=, &sys] { return as_child(sys.spawn(gauge_sampler, database, llm, reg)); });
  r->add<maintenance_actor>("maintenance", [=, &sys, days = s.audit_retention_days] {
    maintenance_config c;
    c.audit_retention = std::chrono::hours{24 * days};
    return as_child(sys.spawn<maintenance>(database, c, random_share, observe_maintenance(*reg, troubles)));
  });
  listener_config listening;
  listening.url = s.listen_database_url.empty() ? url : s.listen_database_url.reveal();
  listening.channels = runner_channels();
  r->add<change_listener_actor>("change_listener", [=, &sys] {
    return as_child(sys.spawn<change_listener, caf::detached>(
        listening, runner_hearing(database, refresher, sched, random_share), observe_listener(*reg, troubles)));
  });
  r->children_.watch(std::move(on_give_up));
  return r;
}

runner_handles runner::handles() const {
  std::lock_guard lock{board_->mutex};
  return board_->handles;
}

schema_status runner::schema() const {
  std::lock_guard lock{board_->mutex};
  return board_->schema;
}

void runner::begin_drain(std::chrono::milliseconds grace) {
  if (auto scheduler = handles().scheduler)
    caf::anon_send(scheduler, mana::drain{grace});
}

drained runner::drain(std::chrono::milliseconds grace) {
  caf::scoped_actor self{system_};
  drained out;
  auto scheduler = handles().scheduler;
  if (scheduler)
    self->request(scheduler, grace + std::chrono::seconds{5}, mana::drain{grace})
        .receive([&](const drained& d) { out = d; }, [](const caf::error&) {});
  return out;
}

void runner::stop() {
  {
    std::lock_guard lock{board_->mutex};
    board_->handles = {};
  }
  children_.stop();
}

} // namespace mana
