// The snapshot_refresher: keeps at most `max_parallel` refresh jobs under way while the dirty queue
// has entries. Requests that arrive during a drain are answered by the next one, so that an answer
// covers everything committed before its request. A drain that the database's state of the moment made
// fail is repeated after a pause, whoever asked for it; so is one that may have passed over entries (queue_floor).
#pragma once

#include "actors/mission/schedule.hpp"
#include "actors/snapshot_refresher/batch_size.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "messages/database.hpp"
#include "messages/scheduler.hpp"
#include "messages/snapshot_refresher.hpp"

#include <chrono>
#include <functional>
#include <vector>

namespace mana {

struct refresher_config {
  std::size_t batch = 500; // at most
  std::size_t max_parallel = 2;
  schedule_policy policy;
  std::chrono::milliseconds retry_pause{1'000};
};

struct refresher_observer {
  std::function<void(const snapshots_refreshed&)> refreshed; // also wakes whoever claims
  std::function<void(std::size_t)> deferred;                 // entries that cannot be folded
  std::function<void(const failure&)> failed;                // a drain that ended early
};

struct drain_again {};
using snapshot_refresher_self = snapshot_refresher_actor::extend<caf::reacts_to<drain_again>>;

class snapshot_refresher : public snapshot_refresher_self::base {
public:
  snapshot_refresher(caf::actor_config& cfg, database_actor database, refresher_config config,
                     refresher_observer observer);

  const char* name() const override { return "snapshot_refresher"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using promise = caf::typed_response_promise<snapshots_refreshed>;

  void start_drain();
  void start_job(bool whole_queue);
  void job_done(const refresh_batch_result& r, std::size_t asked_for);
  void job_failed(const caf::error& e, std::size_t asked_for);
  void end_of_job();
  void drain_later();

  database_actor database_;
  refresher_config config_;
  refresher_observer observer_;
  batch_size batch_;
  dirty_queue queue_;
  // Of the drain under way: who waits for it, what it did so far, how it went.
  std::vector<promise> served_;
  snapshots_refreshed sum_;
  caf::error error_;
  std::size_t jobs_ = 0;
  bool drained_ = false;
  bool saw_all_ = false;
  // For the next drain.
  std::vector<promise> waiting_;
  bool again_ = false;
  bool pausing_ = false; // drain_again is on its way
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::drain_again)
