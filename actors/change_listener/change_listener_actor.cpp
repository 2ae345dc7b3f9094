#include "actors/change_listener/change_listener_actor.hpp"

#include "actors/change_log/stop_notice.hpp"
#include "infra/postgres/notifications.hpp"

#include <algorithm>

namespace mana {

namespace {

using namespace std::chrono_literals;

constexpr auto log_channel = "mana_ai_log";
constexpr auto slice = 200ms;
constexpr std::chrono::milliseconds shortest_pause = 200ms;
constexpr std::chrono::milliseconds longest_pause = 5s;

} // namespace

change_listener::change_listener(caf::actor_config& cfg, std::string url, snapshot_refresher_actor refresher,
                                 scheduler_actor scheduler, listener_observer observer)
  : change_listener_actor::base(cfg), url_(std::move(url)), refresher_(std::move(refresher)),
    scheduler_(std::move(scheduler)), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

change_listener::~change_listener() = default;

void change_listener::on_exit() {
  source_.reset();
  refresher_ = nullptr;
  scheduler_ = nullptr;
}

change_listener::behavior_type change_listener::make_behavior() {
  send(this, listen{});
  return {[this](listen) { step(); }};
}

void change_listener::step() {
  auto heard = pg::attempt([this] { return listen_once(); });
  if (!heard) {
    source_.reset();
    observer_.lost(heard.error());
    delayed_send(this, pause_, listen{});
    pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
    return;
  }
  pass_on(*heard);
  send(this, listen{});
}

std::vector<pg::notification> change_listener::listen_once() {
  if (source_)
    return source_->wait(slice);
  source_ = std::make_unique<pg::notification_source>(url_, std::vector<std::string>{log_channel, stop_channel});
  pause_ = shortest_pause;
  observer_.connected();
  return {{log_channel, ""}}; // what was missed without a connection
}

// Many changes of the log cost one refresh; every order to stop counts.
void change_listener::pass_on(const std::vector<pg::notification>& heard) {
  bool changed = false;
  for (auto& n : heard) {
    changed = changed || n.channel == log_channel;
    if (auto order = n.channel == stop_channel ? parse_stop_notice(n.payload) : std::nullopt)
      send(scheduler_, *order);
  }
  if (changed)
    send(refresher_, log_changed{});
}

} // namespace mana
