#include "actors/session_registry/session_registry_actor.hpp"

#include "infra/postgres/connection.hpp"

#include <algorithm>

namespace mana {

namespace {

failure too_many(const char* whose) { return {errc::overloaded, std::string{"too many open connections "} + whose}; }

database_job ask_notice_name(const user_id& user) {
  return {"notice_name", [user](pg::connection& db) -> std::any {
            return db.exec("SELECT mana_sync.notice_name($1)", user.value)[0][0].as<std::string>();
          }};
}

} // namespace

session_registry::session_registry(caf::actor_config& cfg, io_loop& loop, database_actor database,
                                   session_limits limits, session_observer observer)
  : hosted(cfg, loop), database_(std::move(database)), limits_(limits), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

void session_registry::on_exit() {
  for (auto& [user, m] : members_)
    for (auto& outbox : m.outboxes)
      outbox->close();
  members_.clear();
  by_notice_name_.clear();
  users_.clear();
  database_ = nullptr;
  observer_.open(0);
}

session_registry::behavior_type session_registry::make_behavior() {
  return {
      [this](const open_session& what) { return open(what); },
      [this](const close_session& what) { close(what.outbox); },
      [this](const changes_noticed& what) { pass_on(what); },
      [this](notices_missed) {
        for (auto& [user, m] : members_)
          for (auto& outbox : m.outboxes)
            outbox->add(session_outbox::every_app, {});
      },
  };
}

caf::result<session_opened> session_registry::open(const open_session& what) {
  if (what.user.value.empty() || !what.outbox)
    return to_caf({errc::unauthorized, "a session belongs to a user"});
  if (users_.size() + opening_ >= limits_.in_all)
    return to_caf(too_many("here"));
  auto& m = members_[what.user];
  if (m.outboxes.size() + m.opening >= limits_.per_user)
    return to_caf(too_many("of this user"));
  if (!m.notice_name.empty()) {
    opened(what, m.notice_name);
    return session_opened{};
  }
  ++m.opening;
  ++opening_;
  auto promise = make_response_promise<session_opened>();
  request(database_, caf::infinite, ask_notice_name(what.user))
      .then(
          [this, what, promise](database_answer& answer) mutable {
            --members_[what.user].opening;
            --opening_;
            opened(what, answer.as<std::string>());
            promise.deliver(session_opened{});
          },
          [this, what, promise](caf::error& e) mutable {
            --members_[what.user].opening;
            --opening_;
            settle(what.user);
            promise.deliver(std::move(e));
          });
  return promise;
}

void session_registry::opened(const open_session& what, const std::string& notice_name) {
  auto& m = members_[what.user];
  m.notice_name = notice_name;
  m.outboxes.push_back(what.outbox);
  by_notice_name_.insert_or_assign(m.notice_name, what.user);
  users_.emplace(what.outbox.get(), what.user);
  observer_.open(users_.size());
}

// Forgets a user without sockets.
void session_registry::settle(const user_id& user) {
  auto i = members_.find(user);
  if (i == members_.end() || !i->second.outboxes.empty() || i->second.opening > 0)
    return;
  by_notice_name_.erase(i->second.notice_name);
  members_.erase(i);
}

void session_registry::close(const outbox_ptr& outbox) {
  auto i = users_.find(outbox.get());
  if (i == users_.end())
    return;
  auto user = std::move(i->second);
  users_.erase(i);
  std::erase(members_[user].outboxes, outbox);
  settle(user);
  observer_.open(users_.size());
}

void session_registry::pass_on(const changes_noticed& what) {
  observer_.noticed(what.notices.size());
  for (auto& n : what.notices) {
    auto user = by_notice_name_.find(n.to);
    if (user == by_notice_name_.end())
      continue;
    for (auto& outbox : members_[user->second].outboxes)
      outbox->add(n.app, n.tables);
  }
}

} // namespace mana
