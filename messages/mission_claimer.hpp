// mission_claimer: takes due missions under a lease, keeps the leases, hands missions back.
// Authority is the database: its clock decides what is due and which lease has ended.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mana {

struct claim_missions {
  std::size_t limit = 0;    // at most so many missions
  std::size_t per_user = 0; // a user's runs in flight, all replicas together, stay within this
  // Beside a long transaction who joins the line with a due time in the past may be passed over for a moment
  // (actors/database/queue_floor.hpp); not by this claim.
  bool whole_line = false;
};

struct claimed_mission {
  lease held;
  timestamp slot;                            // the due time this run is for: `nextRunAt` of the record
  unsigned attempt = 1;                      // counted at claim, so that a crash counts too
  std::string last_error;                    // why the previous attempt for this slot failed; may be empty
  std::shared_ptr<const std::string> record; // the merged mission, JSON with `__fieldTimestamps`
  timestamp claimed_at;                      // the database's clock: what replicas agree on
  unsigned crashes = 0;                      // claims before this one, in a row, that ended with their runner
};

struct claimed_missions {
  std::vector<claimed_mission> missions;
  timestamp now; // the database's clock
  // Until the next mission becomes claimable, by the database's clock; nullopt: none is scheduled.
  std::optional<std::chrono::milliseconds> next_due_in;
  bool more_waiting = false; // somebody is in the line who got nothing
};

struct renew_leases {
  std::vector<lease> held;
};
struct leases_renewed {
  std::vector<lease> lost;              // owned by somebody else by now, or the mission is gone
  std::vector<lease> stopped;           // still held, but their grant was replaced or withdrawn
  std::size_t rescued = 0;              // expired leases of dead replicas and closed tabs that were freed
  std::size_t rescued_of_tabs = 0;      // of those: no crash of the mission
  std::vector<mission_key> quarantined; // of those: missions that are not claimed again
  // Since when the first claimable mission waits; nullopt: none does.
  std::optional<std::chrono::milliseconds> oldest_waiting;
};

// Gives missions back unrun; the attempt is not counted, unless the run ended its planner. Unknown
// leases are ignored.
struct hand_back {
  std::vector<lease> held;
  bool crashed = false;
};
struct handed_back {
  std::size_t missions = 0;
  std::vector<mission_key> quarantined; // of those: missions that are not claimed again
};

using mission_claimer_actor = caf::typed_actor<
    // Answers what was claimed; database_* errors.
    caf::replies_to<claim_missions>::with<claimed_missions>,
    // Extends all leases in one statement and frees expired ones of others; database_* errors.
    caf::replies_to<renew_leases>::with<leases_renewed>,
    // database_* errors; the leases then end by time.
    caf::replies_to<hand_back>::with<handed_back>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::claim_missions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::claimed_missions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::renew_leases)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::leases_renewed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::hand_back)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::handed_back)
