// The database pool: a dispatcher in front of detached workers with one connection each. The only
// place where a thread blocks on PostgreSQL. Back-pressure: beyond `max_queue` waiting jobs the
// answer is database_overloaded at once.
//
// A job whose connection turns out to be dead before it answered anything is run once more on a
// fresh one; conflicts (serialization, deadlock) are run up to three times. commit_in_doubt is never
// retried here: the job's owner looks what happened. While the server takes no connections, workers
// without one answer database_unavailable at once (connect_gate.hpp); whoever asked comes again later.
#pragma once

#include "actors/database/connect_gate.hpp"
#include "messages/database.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mana {

// Told of every job that ran: its name, how long it waited for a worker and ran, and the outcome.
struct database_observer {
  std::function<void(const char* name, std::chrono::nanoseconds waited, std::chrono::nanoseconds ran, bool ok)> job;
  std::function<void(std::size_t)> queue_depth;
};

struct database_config {
  std::string url;
  std::size_t connections = 6;
  std::size_t max_queue = 10'000;
  // Short against a lease: a renewal that fails meanwhile comes again before the lease ends.
  backoff between_connects{
      .least = std::chrono::milliseconds{50}, .base = std::chrono::milliseconds{200}, .max = std::chrono::seconds{2}};
};

class database : public database_actor::base {
public:
  database(caf::actor_config& cfg, database_config config, database_observer observer);

  const char* name() const override { return "database"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using clock = std::chrono::steady_clock;
  struct waiting {
    database_job job;
    caf::typed_response_promise<database_answer> promise;
    clock::time_point since;
  };

  database_actor spawn_worker();
  void start(database_actor free, waiting w);
  void next(database_actor free, bool connected);
  void note(const waiting& w, clock::time_point started, const caf::error* error);

  database_config config_;
  database_observer observer_;
  std::shared_ptr<connect_gate> gate_;
  std::vector<database_actor> workers_;
  std::vector<database_actor> idle_;
  std::deque<waiting> queue_;
  database_status status_;
};

} // namespace mana
