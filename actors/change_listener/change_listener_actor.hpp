// The change_listener: LISTEN on a connection of its own, which is the only one with session state.
// A detached actor that waits in short slices, so that its mailbox (exit messages above all) gets a
// turn in between. What is missed while the connection is down is found by the log_changed that
// follows every connect, and at the latest by the next tick. An order to stop runs that is missed is not
// repeated: the writer refuses what those runs come to.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/scheduler.hpp"
#include "messages/snapshot_refresher.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mana {

namespace pg {
class notification_source;
struct notification;
} // namespace pg

struct listen {};

using change_listener_actor = caf::typed_actor<caf::reacts_to<listen>>;

struct listener_observer {
  std::function<void()> connected;
  std::function<void(const failure&)> lost;
};

class change_listener : public change_listener_actor::base {
public:
  change_listener(caf::actor_config& cfg, std::string url, snapshot_refresher_actor refresher,
                  scheduler_actor scheduler, listener_observer observer);
  ~change_listener() override;

  const char* name() const override { return "change_listener"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  void step();
  std::vector<pg::notification> listen_once();
  void pass_on(const std::vector<pg::notification>& heard);

  std::string url_;
  snapshot_refresher_actor refresher_;
  scheduler_actor scheduler_;
  listener_observer observer_;
  std::unique_ptr<pg::notification_source> source_;
  std::chrono::milliseconds pause_{};
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::listen)
