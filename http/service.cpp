#include "http/service.hpp"

#include "actors/llm_standin/rule_planner.hpp"
#include "actors/supervisor/auth_service.hpp"
#include "actors/supervisor/issuer_keys_service.hpp"
#include "actors/supervisor/key_settings.hpp"
#include "actors/supervisor/runner.hpp"
#include "actors/supervisor/sync_service.hpp"
#include "actors/supervisor/tracing_service.hpp"
#include "http/audit_routes.hpp"
#include "http/grant_routes.hpp"
#include "http/jwks_routes.hpp"
#include "http/llm_place.hpp"
#include "http/llm_standin_routes.hpp"
#include "http/openapi_routes.hpp"
#include "http/quarantine_routes.hpp"
#include "http/runner_routes.hpp"
#include "http/server/bearer.hpp"
#include "http/server/cors.hpp"
#include "http/server/observe.hpp"
#include "http/server/router.hpp"
#include "http/server/server.hpp"
#include "http/sign_in_routes.hpp"
#include "http/sync_routes.hpp"
#include "http/user_routes.hpp"
#include "http/vault_routes.hpp"
#include "http/version.hpp"
#include "http/web/web_settings.hpp"
#include "infra/http_client/descriptor_limit.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/log/log.hpp"
#include "infra/metrics/registry.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <vector>

#include <unistd.h>

namespace mana {

namespace {

using config::target;

constexpr auto server_grace = std::chrono::seconds{2};
constexpr auto flush_grace = std::chrono::seconds{2}; // of the last spans

struct system_config : caf::actor_system_config {
  explicit system_config(std::size_t threads) {
    set("scheduler.max-threads", threads);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", std::size_t{100});
  }
};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

http::llm_standin_options standin_options(const config::settings& s) {
  http::llm_standin_options o;
  o.latency = s.standin_latency;
  o.error_rate = s.standin_error_rate;
  o.malformed_rate = s.standin_malformed_rate;
  o.hang_rate = s.standin_hang_rate;
  o.cut_rate = s.standin_cut_rate;
  o.rate_limit_rate = s.standin_rate_limit_rate;
  o.seed = s.standin_seed;
  return o;
}

void add_standin(http::router& r, const config::settings& s) {
  http::rule_planner p;
  p.plan_for = plan_for;
  p.user_message_of = user_message_of;
  p.completion_json = [](std::string_view content, std::string_view model) { return completion_json(content, model); };
  http::add_llm_standin_routes(r, standin_options(s), std::move(p));
}

// The parts of the process, in the order of need; members end in reverse.
class service {
public:
  service(const config::settings& s, config::target_set targets)
    : settings_(s), targets_(targets), caf_config_(s.worker_threads), system_(caf_config_), front_loop_(system_),
      llm_loop_(system_) {}

  // The stand-in first: the runner may call it as soon as it runs.
  std::optional<failure> start() {
    auto tracing = tracing_service::start(system_, llm_loop_, settings_, registry_, version);
    if (!tracing)
      return std::move(tracing).error();
    tracing_ = std::move(*tracing);
    if (auto f = start_standin())
      return f;
    http::router routes;
    std::vector<http::probed_target> probed;
    if (auto f = start_identity())
      return f;
    if (auto f = start_auth(routes, probed))
      return f;
    if (auto f = start_runner(routes, probed))
      return f;
    start_sync(routes, probed);
    auto app = start_web(probed);
    if (!app)
      return std::move(app).error();
    if (!probed.empty()) {
      probed.push_back(probed_shutdown());
      http::add_probe_routes(routes, std::move(probed), registry_, version);
    }
    if (targets_.contains(target::llm_standin) && settings_.standin_port == 0)
      add_standin(routes, settings_);
    http::add_openapi_routes(routes);
    if (*app)
      http::add_web_routes(routes, *app);
    return listen(routes, settings_.port, server_);
  }

  // From now on /ready is 503 and nothing new is claimed; requests are answered, each as the last of its connection.
  void begin_stop() {
    stopping_ = true;
    stop_began_ = std::chrono::steady_clock::now();
    for (auto* s : {&server_, &standin_server_})
      if (*s)
        (*s)->drain();
    if (runner_)
      runner_->begin_drain(settings_.shutdown_grace);
  }

  bool failed() const { return failed_; }

  // Returns true when it was asked to stop, false when a child gave up.
  bool stop() {
    auto result = runner_ ? runner_->drain(settings_.shutdown_grace) : drained{};
    auto drained_after = std::chrono::steady_clock::now() - stop_began_;
    for (auto* s : {&server_, &standin_server_})
      if (*s)
        (*s)->stop(server_grace).wait();
    if (runner_)
      runner_->stop();
    if (sync_)
      sync_->stop();
    if (auth_)
      auth_->stop();
    if (issuer_keys_)
      issuer_keys_->stop();
    server_.reset();
    standin_server_.reset();
    front_loop_.join();
    if (tracing_)
      tracing_->stop(flush_grace);
    llm_loop_.join();
    log::info("stopped",
              {{"finished", result.finished}, {"handed_back", result.handed_back}, {"drained_after", drained_after}});
    return !failed_;
  }

  std::uint16_t port() const { return server_->port(); }

private:
  std::optional<failure> start_standin() {
    if (!targets_.contains(target::llm_standin) || settings_.standin_port == 0)
      return std::nullopt;
    http::router routes;
    add_standin(routes, settings_);
    http::add_openapi_routes(routes);
    return listen(routes, settings_.standin_port, standin_server_);
  }

  // Before the targets whose routes ask who is calling.
  std::optional<failure> start_identity() {
    if (targets_.contains(target::auth)) {
      auto keys = own_signing_keys(settings_);
      if (!keys)
        return std::move(keys).error();
      signing_keys_ = std::move(*keys);
    }
    if (settings_.auth_url.empty())
      return std::nullopt;
    auto started = issuer_keys_service::start(system_, llm_loop_, settings_, give_up());
    if (!started)
      return std::move(started).error();
    issuer_keys_ = std::move(*started);
    return std::nullopt;
  }

  std::optional<failure> start_runner(http::router& routes, std::vector<http::probed_target>& probed) {
    if (!targets_.contains(target::runner))
      return std::nullopt;
    auto started = runner::start(system_, llm_loop_, settings_, registry_, tracing_->tracer(), give_up());
    if (!started)
      return std::move(started).error();
    runner_ = std::move(*started);
    http::add_quarantine_routes(routes, front());
    http::add_runner_routes(routes, front());
    probed.push_back(http::probed_runner(front()));
    auto audits = audit_front();
    if (!audits)
      return std::move(audits).error();
    http::add_audit_routes(routes, std::move(*audits));
    http::add_user_routes(routes, user_front());
    return std::nullopt;
  }

  std::optional<failure> start_auth(http::router& routes, std::vector<http::probed_target>& probed) {
    if (!targets_.contains(target::auth))
      return std::nullopt;
    auto started = auth_service::start(system_, settings_, registry_, give_up());
    if (!started)
      return std::move(started).error();
    auth_ = std::move(*started);
    auto shared = std::make_shared<const http::auth_front>(auth_front());
    http::add_vault_routes(routes, shared);
    http::add_grant_routes(routes, shared);
    http::add_jwks_route(routes, jwt::to_jwks(signing_keys_));
    if (settings_.standalone_sign_in)
      http::add_sign_in_routes(routes, sign_in_front());
    probed.push_back(http::probed_auth(shared));
    return std::nullopt;
  }

  void start_sync(http::router& routes, std::vector<http::probed_target>& probed) {
    if (!targets_.contains(target::sync))
      return;
    sync_ = sync_service::start(system_, front_loop_, settings_, registry_, give_up());
    auto shared = std::make_shared<const http::sync_front>(sync_front());
    http::add_sync_routes(routes, shared);
    probed.push_back(http::probed_sync(shared));
  }

  // Null without the target. Its routes come last: a page may have any path that nobody else has.
  result<std::shared_ptr<const http::web_app>> start_web(std::vector<http::probed_target>& probed) {
    if (!targets_.contains(target::web))
      return std::shared_ptr<const http::web_app>{};
    auto app = http::web_app_of(settings_);
    if (!app)
      return std::move(app).error();
    for (auto& path : app->files.left_out)
      log::warn("web_file_left_out", {{"path", path}, {"reason", "a hidden file, a link, or no file at all"}});
    probed.push_back(http::always_ready());
    return std::make_shared<const http::web_app>(std::move(*app));
  }

  child_group::give_up give_up() {
    return [this](const std::string& child) {
      log::error("gave_up", {{"actor", child},
                             {"advice", "it failed more than five times within a minute; the "
                                        "lines above say why; the process ends to be restarted"}});
      failed_ = true;
      kill(getpid(), SIGTERM);
    };
  }

  // Tokens of this process before those of MANA_AUTH_URL. Without any key nobody is anybody.
  http::token_key_source token_keys() {
    auto keys = http::no_keys("tokens cannot be verified here: neither MANA_AUTH_URL nor AUTH_SIGNING_KEY_PEM is set");
    if (issuer_keys_)
      keys = http::issuer_keys(system_, [this] { return issuer_keys_->keys(); });
    if (!signing_keys_.empty()) {
      auto own = http::own_keys(jwt::key_set::of(signing_keys_));
      keys = issuer_keys_ ? http::first_of(std::move(own), std::move(keys)) : std::move(own);
    }
    return keys;
  }
  static timestamp wall_clock() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  http::identity_check identity() {
    return http::bearer_check(token_keys(), {settings_.issuers, settings_.audience}, wall_clock);
  }

  std::optional<failure> listen(const http::router& routes, std::uint16_t port, std::unique_ptr<http::server>& out) {
    http::server_config c;
    for (auto& [method, pattern] : routes.all())
      log::debug("route", {{"method", method}, {"pattern", pattern}});
    c.address = settings_.bind_address;
    c.port = port;
    c.max_connections += targets_.contains(target::sync) ? settings_.max_sockets : 0;
    c.body_rule_of = routes.as_body_rules();
    c.tracer = tracing_->tracer();
    c.observe = http::observe_into(std::make_shared<metrics::http_metrics>(registry_), c.tracer);
    c.added_headers = [origins = settings_.cors_origins](const http::request& r) {
      return http::cors_headers(origins, r);
    };
    auto started = http::server::start(front_loop_, std::move(c), routes.as_handler());
    if (!started)
      return std::move(started).error();
    out = std::move(*started);
    return std::nullopt;
  }

  http::probed_target probed_shutdown() {
    http::probed_target out;
    out.ready = [this]() -> boost::asio::awaitable<http::readiness> {
      http::readiness found;
      if (stopping_)
        found.failing.push_back({"shutdown", "the process stops"});
      co_return found;
    };
    return out;
  }

  http::runner_front front() {
    http::runner_front f;
    f.system = &system_;
    f.handles = [this] { return runner_->handles(); };
    f.schema = [this] { return runner_->schema(); };
    f.service_key = settings_.service_key;
    f.tick_enabled = settings_.tick_enabled;
    return f;
  }

  result<http::audit_front> audit_front() {
    http::audit_front f;
    f.system = &system_;
    f.handles = [this] { return runner_->handles(); };
    f.service_key = settings_.service_key;
    f.identify = identity();
    if (settings_.audit_signing_keys.empty())
      return f;
    auto keys = crypto::parse_signing_keys(settings_.audit_signing_keys.reveal());
    if (!keys)
      return failure{errc::config_invalid, "AUDIT_SIGNING_KEY_PEM: " + keys.error().detail};
    f.signer = keys->front();
    return f;
  }

  http::user_front user_front() {
    http::user_front f;
    f.system = &system_;
    f.handles = [this] { return runner_->handles(); };
    f.identify = identity();
    f.llm = http::llm_place_of(settings_, targets_);
    return f;
  }

  http::auth_front auth_front() {
    http::auth_front f;
    f.system = &system_;
    f.handles = [this] { return auth_->handles(); };
    f.schema = [this] { return auth_->schema(); };
    f.identify = identity();
    return f;
  }

  http::sync_front sync_front() {
    auto m = std::make_shared<metrics::sync_metrics>(registry_);
    http::sync_front f;
    f.system = &system_;
    f.handles = [this] { return sync_->handles(); };
    f.schema = [this] { return sync_->schema(); };
    f.identify = identity();
    f.claims_of = http::claims_check(token_keys(), {settings_.issuers, settings_.audience}, wall_clock);
    f.now = wall_clock;
    f.base_url = settings_.base_url;
    f.cors_origins = settings_.cors_origins;
    f.observer = {[m](std::size_t rows) { m->rows_pulled.Increment(static_cast<double>(rows)); },
                  [m] { m->messages.Increment(); }, [m](std::string_view why) { m->sockets_closed[why].Increment(); }};
    return f;
  }

  http::sign_in_front sign_in_front() {
    http::sign_in_front f;
    f.system = &system_;
    f.sign_in = [this] { return auth_->handles().sign_in; };
    f.base_url = settings_.base_url;
    f.cors_origins = settings_.cors_origins;
    f.session_ttl = settings_.session_ttl;
    f.registration = settings_.registration;
    return f;
  }

  const config::settings& settings_;
  config::target_set targets_;
  metrics::registry registry_;
  system_config caf_config_;
  caf::actor_system system_;
  io_loop front_loop_;
  io_loop llm_loop_;
  std::unique_ptr<tracing_service> tracing_;
  std::vector<crypto::signing_key> signing_keys_;
  std::unique_ptr<issuer_keys_service> issuer_keys_;
  std::unique_ptr<auth_service> auth_;
  std::unique_ptr<runner> runner_;
  std::unique_ptr<sync_service> sync_;
  std::unique_ptr<http::server> server_;
  std::unique_ptr<http::server> standin_server_;
  std::atomic<bool> stopping_{false};
  std::chrono::steady_clock::time_point stop_began_ = std::chrono::steady_clock::now();
  std::atomic<bool> failed_{false};
};

// Load balancers learn from /ready that they must send nothing here any more, and need some time for
// that. A second signal cuts it short.
void serve_on(const sigset_t& signals, std::chrono::milliseconds delay) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(delay);
  timespec pause{};
  pause.tv_sec = seconds.count();
  pause.tv_nsec = std::chrono::nanoseconds{delay - seconds}.count();
  while (sigtimedwait(&signals, nullptr, &pause) < 0 && errno == EINTR) {
  }
}

std::size_t descriptors_for(const config::settings& s, config::target_set targets) {
  constexpr std::size_t others = 4'500; // HTTP clients, database, files
  auto endpoints = std::size_t{1} + (s.llm_url_2.empty() ? 0 : 1) + (s.llm_url_3.empty() ? 0 : 1);
  auto sockets = targets.contains(target::sync) ? s.max_sockets : 0;
  return s.llm_max_in_flight * endpoints + sockets + others;
}

} // namespace

void hold_stop_signals() {
  auto signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int serve(const config::settings& settings, config::target_set targets) {
  auto signals = stop_signals();
  std::signal(SIGPIPE, SIG_IGN); // a broken pipe is an error value
  net::raise_descriptor_limit(descriptors_for(settings, targets));
  log::set_level(settings.log_level);
  log::info("starting", {{"version", version}, {"targets", to_string(targets)}, {"replica", settings.replica_name}});
  service s{settings, targets};
  if (auto f = s.start()) {
    log::error("not_started", {{"error", f->code}, {"detail", f->detail}});
    s.stop();
    return 1;
  }
  log::info(
      "started",
      {{"version", version}, {"targets", to_string(targets)}, {"port", s.port()}, {"replica", settings.replica_name}});
  int signal = 0;
  sigwait(&signals, &signal);
  log::info("stopping", {{"signal", signal}, {"delay", settings.shutdown_delay}, {"grace", settings.shutdown_grace}});
  s.begin_stop();
  if (!s.failed())
    serve_on(signals, settings.shutdown_delay);
  return s.stop() ? 0 : 1;
}

} // namespace mana
