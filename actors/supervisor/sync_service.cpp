#include "actors/supervisor/sync_service.hpp"

#include "actors/change_listener/change_listener_actor.hpp"
#include "actors/change_puller/change_puller_actor.hpp"
#include "actors/change_pusher/change_pusher_actor.hpp"
#include "actors/database/database_actor.hpp"
#include "actors/scheduler/backoff.hpp"
#include "actors/schema_keeper/schema_keeper_actor.hpp"
#include "actors/session_registry/change_notice.hpp"
#include "actors/session_registry/session_registry_actor.hpp"
#include "actors/supervisor/runner_observers.hpp"
#include "infra/log/log.hpp"
#include "infra/metrics/series.hpp"
#include "infra/postgres/notifications.hpp"

#include <mutex>

namespace mana {

namespace {

using metrics_ptr = std::shared_ptr<metrics::sync_metrics>;

// While notices do not arrive, everybody is told now and then to look.
constexpr std::chrono::seconds poll_every{30};

change_pusher_observer observe_pusher(const metrics_ptr& m) {
  return {[m](std::size_t stored, std::size_t repeated) {
    m->rows_pushed.Increment(static_cast<double>(stored));
    m->rows_repeated.Increment(static_cast<double>(repeated));
  }};
}

session_observer observe_sessions(const metrics_ptr& m) {
  return {[m](std::size_t n) { m->sockets.Set(static_cast<double>(n)); },
          [m](std::size_t n) { m->notices.Increment(static_cast<double>(n)); }};
}

listener_observer observe_notices(const metrics_ptr& m) {
  auto troubles = std::make_shared<trouble_log>();
  return {[m, troubles] {
            m->listener_healthy.Set(1);
            troubles->ended("sync_listen");
            log::info("sync_listener_hears");
          },
          [m, troubles](const failure& f) {
            m->listener_healthy.Set(0);
            troubles->happened("sync_listen", f);
          }};
}

listener_config listening_of(const config::settings& s) {
  listener_config c;
  c.url = (s.sync_target_listen_url.empty() ? s.sync_target_database_url : s.sync_target_listen_url).reveal();
  c.channels = {changes_channel};
  c.rules.poll_every = poll_every;
  c.listen_setting = "SYNC_TARGET_LISTEN_URL";
  c.database_setting = "SYNC_TARGET_DATABASE_URL";
  return c;
}

listener_deps hearing_for(const database_actor& database, const session_registry_actor& sessions) {
  listener_deps d;
  d.database = database;
  d.random = random_share;
  d.poll = [sessions] { caf::anon_send(sessions, notices_missed{}); };
  d.heard = [sessions](const std::vector<pg::notification>& heard) {
    changes_noticed all;
    for (auto& n : heard)
      if (auto notice = parse_change_notice(n.payload))
        all.notices.push_back(std::move(*notice));
    if (!all.notices.empty())
      caf::anon_send(sessions, std::move(all));
  };
  return d;
}

} // namespace

// Read by the HTTP loop, written by actors.
struct sync_service::shared {
  mutable std::mutex mutex;
  sync_handles handles;
  schema_status schema{false, "not looked at yet", {}};
};

sync_service::sync_service(caf::actor_system& system, std::shared_ptr<shared> board)
  : board_(std::move(board)), children_(system) {}

sync_service::~sync_service() { stop(); }

std::unique_ptr<sync_service> sync_service::start(caf::actor_system& sys, io_loop& socket_loop,
                                                  const config::settings& s, metrics::registry& registry,
                                                  give_up on_give_up) {
  auto board = std::make_shared<shared>();
  std::unique_ptr<sync_service> out{new sync_service{sys, board}};
  auto& children = out->children_;
  auto url = s.sync_target_database_url.reveal();
  auto* reg = &registry;
  auto m = std::make_shared<metrics::sync_metrics>(registry);
  // A factory holds handles of supervised children, which stay valid over restarts.
  auto as_child = [](auto handle) { return caf::actor_cast<caf::actor>(handle); };

  auto database = children.add<database_actor>("sync_database", [=, &sys, n = s.database_connections] {
    return as_child(sys.spawn<mana::database>(database_config{url, n}, observe_side_pool(*reg)));
  });
  children.add<schema_keeper_actor>("sync_schema_keeper", [=, &sys, migration = s.migration_database_url.reveal()] {
    auto publish = [board](const schema_status& status) {
      std::lock_guard lock{board->mutex};
      board->schema = status;
    };
    return as_child(sys.spawn<schema_keeper, caf::detached>(schema_keeper_config{sync_schema(), url, migration},
                                                            observe_schema(publish)));
  });
  auto pusher = children.add<change_pusher_actor>(
      "change_pusher", [=, &sys] { return as_child(sys.spawn<change_pusher>(database, observe_pusher(m))); });
  auto puller = children.add<change_puller_actor>("change_puller",
                                                  [=, &sys] { return as_child(sys.spawn<change_puller>(database)); });
  auto limits = session_limits{s.max_sockets, s.max_sockets_per_user};
  auto sessions = children.add<session_registry_actor>("session_registry", [=, &sys, &socket_loop] {
    session_registry_actor made =
        sys.spawn<session_registry>(socket_loop, database, limits, watch_rules{}, observe_sessions(m));
    return as_child(made);
  });
  {
    std::lock_guard lock{board->mutex};
    board->handles = {database, pusher, puller, sessions};
  }
  children.add<change_listener_actor>("sync_listener", [=, &sys, listening = listening_of(s)] {
    return as_child(
        sys.spawn<change_listener, caf::detached>(listening, hearing_for(database, sessions), observe_notices(m)));
  });
  children.watch(std::move(on_give_up));
  return out;
}

sync_handles sync_service::handles() const {
  std::lock_guard lock{board_->mutex};
  return board_->handles;
}

schema_status sync_service::schema() const {
  std::lock_guard lock{board_->mutex};
  return board_->schema;
}

void sync_service::stop() {
  {
    std::lock_guard lock{board_->mutex};
    board_->handles = {};
  }
  children_.stop();
}

} // namespace mana
