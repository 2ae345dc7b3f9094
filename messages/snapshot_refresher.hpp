// snapshot_refresher: folds new rows of the change log into mission snapshots.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <cstddef>

namespace mana {

// Drain the dirty queue until it is empty. Sent by the scheduler's tick.
struct refresh_snapshots {};

struct snapshots_refreshed {
  std::size_t rows_applied = 0;
  std::size_t created = 0;
  std::size_t updated = 0;
  std::size_t removed = 0;
};

// The log changed (a notification), or notifications may have been missed (a new connection).
struct log_changed {};

using snapshot_refresher_actor = caf::typed_actor<
    // Answers when everything that was committed before the request is folded; database_* errors.
    caf::replies_to<refresh_snapshots>::with<snapshots_refreshed>,
    // Refreshes in the background and wakes the scheduler when a snapshot changed.
    caf::reacts_to<log_changed>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::refresh_snapshots)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::snapshots_refreshed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::log_changed)
