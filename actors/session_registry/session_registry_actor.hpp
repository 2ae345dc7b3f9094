// The session_registry: knows which WebSocket of this process belongs to whom, and puts notices into their
// outboxes. It lives on the loop of the sockets, so that both touch an outbox without a lock.
//
// The database tells only of users who are watched (migration mana_sync/003): each is from before their first
// socket is open until some time after the last was closed. Notices name a user by a hash that only the database
// computes; it comes with the watch. What may have been missed, because it was written before the watch began or
// while the database did not know of it, is made up for by telling the user's sockets to pull everything.
//
// When the registry ends it closes every outbox, and the clients connect anew: none is left that hears nothing
// without knowing.
#pragma once

#include "actors/session_registry/session_outbox.hpp"
#include "actors/session_registry/watch_queries.hpp"
#include "infra/io/hosted.hpp"
#include "messages/database.hpp"
#include "messages/session_registry.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

namespace mana {

struct session_limits {
  std::size_t in_all = 3'000;
  std::size_t per_user = 50;
};

// How long the database takes a silent watcher for alive, and how often this one speaks up.
struct watch_rules {
  std::chrono::milliseconds life{60'000};
  std::chrono::milliseconds keep_every{10'000};
  std::chrono::milliseconds look_every{500}; // while writes from before a watch are under way
};

struct session_observer {
  std::function<void(std::size_t)> open;    // sockets with a user, now
  std::function<void(std::size_t)> noticed; // notices that arrived from the database
};

struct keep_watch {};
struct look_for_late_writes {};
using session_registry_self =
    session_registry_actor::extend<caf::reacts_to<keep_watch>, caf::reacts_to<look_for_late_writes>>;

class session_registry final : public hosted<session_registry_self::base> {
public:
  session_registry(caf::actor_config& cfg, io_loop& loop, database_actor database, session_limits limits,
                   watch_rules rules, session_observer observer);

  const char* name() const override { return "session_registry"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using outbox_ptr = std::shared_ptr<session_outbox>;
  // Of one user, while sockets are open or being opened.
  struct member {
    std::string notice_name; // empty until the database has said it
    std::vector<outbox_ptr> outboxes;
    std::size_t opening = 0;
  };

  caf::result<session_opened> open(const open_session& what);
  void opened(const open_session& what);
  void forget_if_gone(const user_id& user);
  void close(const outbox_ptr& outbox);
  void pass_on(const changes_noticed& what);
  void tell_everything(const user_id& user);

  database_job watch_job(std::vector<user_id> users);
  void watched(const watched_users& answer);
  void watch_all_anew();
  void keep();
  void drop_departed();
  void look();
  void look_later();

  database_actor database_;
  const session_limits limits_;
  const watch_rules rules_;
  session_observer observer_;
  const watcher watcher_;
  std::int64_t turn_ = 0;
  bool all_anew_ = false; // the database may have forgotten the watch
  bool looking_ = false;
  std::map<user_id, member> members_;
  std::unordered_map<std::string, user_id> by_notice_name_;
  std::unordered_map<const session_outbox*, user_id> users_;
  std::size_t opening_ = 0;
  std::set<user_id> departed_; // without sockets here, and still watched
  // Users by the transaction below which all must have ended before nothing of theirs can come unheard.
  std::multimap<std::uint64_t, user_id> unsettled_;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::keep_watch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::look_for_late_writes)
