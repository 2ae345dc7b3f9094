#include "actors/change_listener/change_listener_actor.hpp"

#include "infra/postgres/notifications.hpp"

#include <algorithm>

namespace mana {

namespace {

using namespace std::chrono_literals;

constexpr auto channel = "mana_ai_log";
constexpr auto slice = 200ms;
constexpr std::chrono::milliseconds shortest_pause = 200ms;
constexpr std::chrono::milliseconds longest_pause = 5s;

} // namespace

change_listener::change_listener(caf::actor_config& cfg, std::string url, snapshot_refresher_actor to,
                                 listener_observer observer)
  : change_listener_actor::base(cfg), url_(std::move(url)), to_(std::move(to)), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

change_listener::~change_listener() = default;

void change_listener::on_exit() {
  source_.reset();
  to_ = nullptr;
}

change_listener::behavior_type change_listener::make_behavior() {
  send(this, listen{});
  return {[this](listen) { step(); }};
}

void change_listener::step() {
  auto heard = pg::attempt([this] {
    if (!source_) {
      source_ = std::make_unique<pg::notification_source>(url_, channel);
      pause_ = shortest_pause;
      observer_.connected();
      return true;
    }
    return source_->wait(slice);
  });
  if (!heard) {
    source_.reset();
    observer_.lost(heard.error());
    delayed_send(this, pause_, listen{});
    pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
    return;
  }
  if (*heard)
    send(to_, log_changed{});
  send(this, listen{});
}

} // namespace mana
