#include "actors/session_registry/session_registry_actor.hpp"

#include "infra/crypto/random_uuid.hpp"
#include "infra/postgres/connection.hpp"

#include <algorithm>

namespace mana {

namespace {

failure too_many(const char* whose) { return {errc::overloaded, std::string{"too many open connections "} + whose}; }

} // namespace

session_registry::session_registry(caf::actor_config& cfg, io_loop& loop, database_actor database,
                                   session_limits limits, watch_rules rules, session_observer observer)
  : hosted(cfg, loop), database_(std::move(database)), limits_(limits), rules_(rules),
    observer_(std::move(observer)), watcher_{random_uuid(), rules.life} {
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
  delayed_send(this, rules_.keep_every, keep_watch{});
  return {
      [this](const open_session& what) { return open(what); },
      [this](const close_session& what) { close(what.outbox); },
      [this](const changes_noticed& what) { pass_on(what); },
      [this](notices_missed) {
        for (auto& [user, m] : members_)
          tell_everything(user);
        watch_all_anew();
      },
      [this](keep_watch) { keep(); },
      [this](look_for_late_writes) { look(); },
  };
}

// -- sockets --------------------------------------------------------------------------------------------

caf::result<session_opened> session_registry::open(const open_session& what) {
  if (what.user.value.empty() || !what.outbox)
    return to_caf({errc::unauthorized, "a session belongs to a user"});
  if (users_.size() + opening_ >= limits_.in_all)
    return to_caf(too_many("here"));
  auto& m = members_[what.user];
  if (m.outboxes.size() + m.opening >= limits_.per_user)
    return to_caf(too_many("of this user"));
  if (!m.notice_name.empty()) {
    opened(what);
    return session_opened{};
  }
  ++m.opening;
  ++opening_;
  departed_.erase(what.user);
  auto promise = make_response_promise<session_opened>();
  request(database_, caf::infinite, watch_job({what.user}))
      .then(
          [this, what, promise](database_answer& answer) mutable {
            --members_[what.user].opening;
            --opening_;
            opened(what);
            watched(answer.as<watched_users>());
            promise.deliver(session_opened{});
          },
          [this, what, promise](caf::error& e) mutable {
            --members_[what.user].opening;
            --opening_;
            forget_if_gone(what.user);
            promise.deliver(std::move(e));
          });
  return promise;
}

void session_registry::opened(const open_session& what) {
  members_[what.user].outboxes.push_back(what.outbox);
  users_.emplace(what.outbox.get(), what.user);
  observer_.open(users_.size());
}

void session_registry::forget_if_gone(const user_id& user) {
  auto i = members_.find(user);
  if (i == members_.end() || !i->second.outboxes.empty() || i->second.opening > 0)
    return;
  by_notice_name_.erase(i->second.notice_name);
  members_.erase(i);
  departed_.insert(user);
}

void session_registry::close(const outbox_ptr& outbox) {
  auto i = users_.find(outbox.get());
  if (i == users_.end())
    return;
  auto user = std::move(i->second);
  users_.erase(i);
  std::erase(members_[user].outboxes, outbox);
  forget_if_gone(user);
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

void session_registry::tell_everything(const user_id& user) {
  if (auto m = members_.find(user); m != members_.end())
    for (auto& outbox : m->second.outboxes)
      outbox->add(session_outbox::every_app, {});
}

// -- who is watched -------------------------------------------------------------------------------------

database_job session_registry::watch_job(std::vector<user_id> users) {
  return {"watch_users", [w = watcher_, turn = ++turn_, users = std::move(users)](pg::connection& db) -> std::any {
            return watch(db, w, turn, users);
          }};
}

// From here on notices of these users are passed on. Those of whom something may be missing until then are told when
// nothing can be any more, which is now unless somebody was writing when the watch began.
void session_registry::watched(const watched_users& answer) {
  for (auto& [user, notice_name] : answer.users) {
    auto m = members_.find(user);
    if (m == members_.end())
      continue;
    by_notice_name_.erase(m->second.notice_name);
    m->second.notice_name = notice_name;
    by_notice_name_.insert_or_assign(notice_name, user);
    if (answer.horizon.ended < answer.horizon.begun)
      unsettled_.emplace(answer.horizon.begun, user);
  }
  look_later();
}

void session_registry::watch_all_anew() {
  std::vector<user_id> users;
  for (auto& [user, m] : members_)
    users.push_back(user);
  if (users.empty())
    return;
  all_anew_ = false;
  request(database_, caf::infinite, watch_job(std::move(users)))
      .then(
          [this](database_answer& answer) {
            auto& a = answer.as<watched_users>();
            for (auto& u : a.users)
              tell_everything(u.user);
            watched(a);
          },
          [this](const caf::error&) { all_anew_ = true; });
}

void session_registry::keep() {
  delayed_send(this, rules_.keep_every, keep_watch{});
  drop_departed();
  if (all_anew_)
    return watch_all_anew();
  if (members_.empty())
    return;
  database_job job{"keep_watching", [w = watcher_](pg::connection& db) -> std::any { return keep_watching(db, w); }};
  request(database_, caf::infinite, std::move(job))
      .then(
          [this](database_answer& known) {
            if (!known.as<bool>())
              watch_all_anew();
          },
          [](const caf::error&) { /* the pool says what is wrong; the next turn comes */ });
}

// What is not carried out is repeated: a user who stays watched costs every commit of theirs.
void session_registry::drop_departed() {
  if (departed_.empty())
    return;
  std::vector<user_id> users(departed_.begin(), departed_.end());
  departed_.clear();
  database_job job{"unwatch_users", [w = watcher_, turn = ++turn_, users](pg::connection& db) -> std::any {
                     unwatch(db, w, turn, users);
                     return users.size();
                   }};
  request(database_, caf::infinite, std::move(job))
      .then([](const database_answer&) {},
            [this, users](const caf::error&) {
              for (auto& user : users)
                if (!members_.contains(user))
                  departed_.insert(user);
            });
}

void session_registry::look() {
  database_job job{"look_at_writes", [](pg::connection& db) -> std::any { return look_at_writes(db); }};
  request(database_, caf::infinite, std::move(job))
      .then(
          [this](database_answer& answer) {
            looking_ = false;
            auto settled = unsettled_.upper_bound(answer.as<write_horizon>().ended);
            for (auto i = unsettled_.begin(); i != settled; ++i)
              tell_everything(i->second);
            unsettled_.erase(unsettled_.begin(), settled);
            look_later();
          },
          [this](const caf::error&) {
            looking_ = false;
            look_later();
          });
}

void session_registry::look_later() {
  if (unsettled_.empty() || std::exchange(looking_, true))
    return;
  delayed_send(this, rules_.look_every, look_for_late_writes{});
}

} // namespace mana
