// Folding dirty missions into snapshots: one transaction per batch.
#pragma once

#include "actors/mission/schedule.hpp"
#include "messages/snapshot_refresher.hpp"

#include <cstddef>

namespace mana::pg {
class connection;
}

namespace mana {

struct refresh_batch_result {
  std::size_t taken = 0;    // queue entries; fewer than the limit: the queue was drained
  std::size_t deferred = 0; // entries that could not be folded and wait
  snapshots_refreshed counts;
};

// Takes up to `limit` entries off the dirty queue and stores their missions' snapshots. Entries of
// a batch that fails are folded one by one; what still fails is deferred. Throws libpqxx's exceptions
// for everything that concerns the connection.
refresh_batch_result refresh_batch(pg::connection&, std::size_t limit, const schedule_policy&);

} // namespace mana
