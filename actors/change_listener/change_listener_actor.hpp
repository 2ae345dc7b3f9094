// The change_listener: LISTEN on a connection of its own, which is the only one with session state.
// A detached actor that waits in short slices, so that its mailbox (exit messages above all) gets a
// turn in between.
//
// Every few seconds a worker of the database pool notifies a channel that only this connection knows.
// When that is not heard (connection half-open, a transaction pooler or another database behind the
// listener's URL) the listener connects anew, and until it hears again it has the log polled. What is
// heard and what polling means is for whom it listens to say: the runner or the sync target.
#pragma once

#include "actors/change_listener/hearing.hpp"
#include "messages/caf_errors.hpp"
#include "messages/database.hpp"

#include <caf/all.hpp>

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

struct listener_config {
  std::string url;
  std::vector<std::string> channels;
  hearing_rules rules;
  // Where notifications may get lost: the settings, for the advice.
  std::string listen_setting = "LISTEN_DATABASE_URL";
  std::string database_setting = "SYNC_DATABASE_URL";
};

// Called on the listener's thread; what they hold is let go when it ends.
struct listener_deps {
  database_actor database;                                         // sends the notifications of the self-check
  std::function<void(const std::vector<pg::notification>&)> heard; // of the channels, in order
  std::function<void()> poll;     // something may have been missed: after each connect, and again and again while deaf
  std::function<double()> random; // in [0, 1)
};

struct listener_observer {
  std::function<void()> hears; // notifications arrive, after a time without
  // They do not; the detail says why and what to do. Repeated while that lasts.
  std::function<void(const failure&)> deaf;
};

class change_listener : public change_listener_actor::base {
public:
  change_listener(caf::actor_config& cfg, listener_config config, listener_deps deps, listener_observer observer);
  ~change_listener() override;

  const char* name() const override { return "change_listener"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  void step();
  void perform(hearing::task task);
  void connect();
  void check();
  void lose(const failure& why);
  void wait_for_notifications();
  void pass_on(std::vector<pg::notification> heard);

  listener_config config_;
  listener_deps deps_;
  listener_observer observer_;
  hearing hearing_;
  std::string own_channel_; // of the present connection
  bool check_is_sent_ = false;
  std::unique_ptr<pg::notification_source> source_;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::listen)
