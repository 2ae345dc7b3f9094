#include "actors/change_listener/runner_hearing.hpp"

#include "actors/change_log/stop_notice.hpp"
#include "infra/postgres/notifications.hpp"

namespace mana {

namespace {

constexpr auto log_channel = "mana_ai_log";

} // namespace

std::vector<std::string> runner_channels() { return {log_channel, stop_channel}; }

listener_deps runner_hearing(database_actor database, snapshot_refresher_actor refresher, scheduler_actor scheduler,
                             std::function<double()> random) {
  listener_deps d;
  d.database = std::move(database);
  d.random = std::move(random);
  d.poll = [refresher] { caf::anon_send(refresher, log_changed{}); };
  // Many changes of the log cost one refresh; every order to stop counts.
  d.heard = [refresher, scheduler = std::move(scheduler)](const std::vector<pg::notification>& heard) {
    bool changed = false;
    for (auto& n : heard) {
      changed = changed || n.channel == log_channel;
      if (auto order = n.channel == stop_channel ? parse_stop_notice(n.payload) : std::nullopt)
        caf::anon_send(scheduler, *order);
    }
    if (changed)
      caf::anon_send(refresher, log_changed{});
  };
  return d;
}

} // namespace mana
