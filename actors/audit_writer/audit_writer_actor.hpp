// The audit_writer: group-commits the audit rows of many runs.
//
// At most `max_parallel` batches are under way; what arrives meanwhile becomes the next one. A user is
// in one batch at a time. Every request is answered at its deadline at the latest, whatever the
// database does:
//
//   chain is busy (another replica)   that user's requests are tried again after `busy_pause`
//   database away, commit in doubt    tried again after `retry_pause`: rows that are there are not repeated
//   batch refused                     its requests are tried one by one; one that is refused alone is answered
//   nothing happens                   audit_unavailable at the deadline; `break_off_after` nobody waits for a
//                                     batch any more its connection is broken off, and its worker is free
//
// It has a database pool of its own: connections that hang here are missed nowhere else.
#pragma once

#include "actors/audit_writer/audit_queries.hpp"
#include "messages/audit_writer.hpp"
#include "messages/database.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>

namespace mana {

namespace pg {
class breakable_call;
}

struct audit_writer_config {
  std::chrono::milliseconds timeout{5'000}; // from a request to its answer
  std::size_t max_parallel = 2;             // the connections of the pool
  std::size_t max_batch_requests = 128;
  std::size_t max_batch_rows = 2'000; // reached by a single request it still goes, alone
  std::size_t max_rows_per_request = 10'000;
  std::chrono::milliseconds busy_pause{10};
  std::chrono::milliseconds retry_pause{200};
  std::chrono::milliseconds break_off_after{1'000}; // the server's own limit comes first, with a better reason
};

struct audit_observer {
  std::function<void(std::size_t rows)> committed = [](std::size_t) {}; // once per commit
  std::function<void(std::size_t rows)> found = [](std::size_t) {};     // of a commit, there from an earlier try
  std::function<void(std::size_t rows)> given_up = [](std::size_t) {};  // of a request that is refused
  // Once per request: how long it waited and whether its rows are durable.
  std::function<void(std::chrono::nanoseconds waited, bool written)> answered = [](std::chrono::nanoseconds, bool) {};
  std::function<void(const failure&)> failed = [](const failure&) {}; // a batch; not when a chain is busy
};

// The audit_writer's timers.
struct audit_timer {
  enum class kind : std::uint8_t { deadline, try_again, abandoned };
  kind due = kind::deadline;
};
using audit_writer_self = audit_writer_actor::extend<caf::reacts_to<audit_timer>>;

class audit_writer : public audit_writer_self::base {
public:
  audit_writer(caf::actor_config& cfg, database_actor pool, audit_writer_config config, audit_observer observer);

  const char* name() const override { return "audit_writer"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using time_point = caf::actor_clock::time_point;
  struct pending {
    audit_request request;
    caf::typed_response_promise<audit_written> promise;
    time_point arrived;
    time_point not_before; // of its next try
    bool answered = false;
    bool alone = false; // in a batch of its own, to be judged by itself
    const user_id& user() const { return request->held.key.user; }
  };
  using pending_ptr = std::shared_ptr<pending>;
  struct batch {
    std::vector<pending_ptr> requests;
    std::shared_ptr<pg::breakable_call> call;
  };
  using batch_ptr = std::shared_ptr<batch>;

  void add(pending_ptr p);
  void answer(pending& p, const failure* why_not);
  void count(const batch& b, const audit_appended& appended);

  void start_batches();
  batch_ptr next_batch();
  void send(const batch_ptr& b);
  void done(const batch_ptr& b, const audit_appended& appended);
  void failed(const batch_ptr& b, const failure& f);
  void release(const batch_ptr& b);
  void try_again(const pending_ptr& p, std::chrono::milliseconds pause);

  time_point deadline_of(const pending& p) const { return p.arrived + config_.timeout; }
  void wake_at_deadline();
  void expire();
  static bool is_abandoned(const batch_ptr& b);
  void break_off_abandoned();

  database_actor pool_;
  audit_writer_config config_;
  audit_observer observer_;
  std::deque<pending_ptr> open_;    // not answered when it arrived; in order of their deadlines
  std::deque<pending_ptr> waiting_; // for a batch
  std::set<batch_ptr> under_way_;
  std::set<user_id> users_under_way_;
  bool deadline_timer_set_ = false;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::audit_timer)
