// mission_quarantine: the missions that ended their runner too often, for operators.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <string>
#include <vector>

namespace mana {

// The quarantined missions of all users, the latest first; at most 1,000.
struct list_quarantined {};
struct quarantined_mission {
  mission_key key;
  timestamp since;
  std::string last_error;
};
struct quarantined_missions {
  std::vector<quarantined_mission> missions;
};

// Puts a mission back; it is claimable at once when its slot is due.
struct release_mission {
  mission_key key;
};
struct mission_released {
  bool was_quarantined = false; // false: there was nothing to do
};

using mission_quarantine_actor = caf::typed_actor<
    // database_* errors.
    caf::replies_to<list_quarantined>::with<quarantined_missions>,
    // not_found: the user has no such mission; database_* errors.
    caf::replies_to<release_mission>::with<mission_released>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::list_quarantined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::quarantined_missions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::release_mission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::mission_released)
