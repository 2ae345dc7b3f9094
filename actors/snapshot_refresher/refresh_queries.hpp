// Folding dirty missions into snapshots: one transaction per batch.
#pragma once

#include "actors/database/queue_floor.hpp"
#include "actors/mission/schedule.hpp"
#include "messages/snapshot_refresher.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace mana::pg {
class connection;
}

namespace mana {

struct refresh_batch_result {
  std::size_t taken = 0;    // queue entries; fewer than the limit: the queue was drained
  std::size_t deferred = 0; // entries that could not be folded and wait
  snapshots_refreshed counts;
  bool saw_all = true;                // false: what was before the floor waits for the next look
  std::chrono::nanoseconds lasted{0}; // with all waiting for locks, but not for a connection
};

// How the queue is read: from where on (ids of its entries; the slack is for those whose transactions took a while),
// and whether all of it has to be seen.
struct dirty_queue {
  std::shared_ptr<queue_floor> floor = std::make_shared<queue_floor>(1'000);
  bool whole = false;
};

// Takes up to `limit` entries off the dirty queue and stores their missions' snapshots. Entries of
// a batch that fails are folded one by one; what still fails is deferred. Throws libpqxx's exceptions
// for everything that concerns the connection.
refresh_batch_result refresh_batch(pg::connection&, std::size_t limit, const schedule_policy&,
                                   const dirty_queue& queue = {});

} // namespace mana
