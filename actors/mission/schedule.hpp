// Whether a mission may run, and when.
#pragma once

#include "actors/mission/mission.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace mana {

// Why a mission is not claimable: words for the database, logs and operators. The database adds `quarantined`,
// which no record can bring about or end.
namespace hold {
inline constexpr const char* none = "";
inline constexpr const char* paused = "paused";
inline constexpr const char* done = "done";
inline constexpr const char* archived = "archived";
inline constexpr const char* unknown_state = "unknown-state"; // a state that contract section 3 does not name
inline constexpr const char* deleted = "deleted";
inline constexpr const char* no_next_run = "no-next-run";
inline constexpr const char* waiting_for_review = "waiting-for-review";
} // namespace hold

struct schedule_policy {
  std::size_t max_open_iterations = 1; // so many plans may await review before the mission waits
};

struct schedule {
  std::optional<timestamp> slot; // the record's nextRunAt, also while the mission is held
  std::string hold_reason;       // a word of `hold`; `none`: claimable from `slot` on, which is then set
};

// Of several reasons the first of: deleted, the state, no next run, waiting for review.
schedule schedule_of(const mission& m, const schedule_policy& policy);

// Server iterations that the user has not reviewed yet.
std::size_t open_iterations(const mission& m);

} // namespace mana
