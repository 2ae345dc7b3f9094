// The session_registry: knows which WebSocket of this process belongs to whom, and puts notices into their
// outboxes. It lives on the loop of the sockets, so that both touch an outbox without a lock.
//
// A notice names its user by a hash that the database computes (migration mana_sync/001): asked for once
// per user as long as one of their sockets is open. When the registry ends it closes every outbox, and the
// clients connect anew: none is left that hears nothing without knowing.
#pragma once

#include "actors/session_registry/session_outbox.hpp"
#include "infra/io/hosted.hpp"
#include "messages/database.hpp"
#include "messages/session_registry.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace mana {

struct session_limits {
  std::size_t in_all = 3'000;
  std::size_t per_user = 50;
};

struct session_observer {
  std::function<void(std::size_t)> open;    // sockets with a user, now
  std::function<void(std::size_t)> noticed; // notices that arrived from the database
};

class session_registry final : public hosted<session_registry_actor::base> {
public:
  session_registry(caf::actor_config& cfg, io_loop& loop, database_actor database, session_limits limits,
                   session_observer observer);

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
  void opened(const open_session& what, const std::string& notice_name);
  void settle(const user_id& user);
  void close(const outbox_ptr& outbox);
  void pass_on(const changes_noticed& what);

  database_actor database_;
  const session_limits limits_;
  session_observer observer_;
  std::map<user_id, member> members_;
  std::unordered_map<std::string, user_id> by_notice_name_;
  std::unordered_map<const session_outbox*, user_id> users_;
  std::size_t opening_ = 0;
};

} // namespace mana
