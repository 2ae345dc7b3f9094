// The statements of the mission_quarantine. Run on a database worker; throw libpqxx's exceptions, which
// the worker turns into codes.
#pragma once

#include "messages/mission_quarantine.hpp"

#include <optional>

namespace mana::pg {
class connection;
}

namespace mana {

quarantined_missions list_quarantined_missions(pg::connection&);

// nullopt: the user has no such mission.
std::optional<mission_released> release_quarantined(pg::connection&, const mission_key&);

} // namespace mana
