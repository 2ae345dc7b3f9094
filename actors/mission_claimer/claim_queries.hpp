// The statements of the mission_claimer. Run on a database worker; throw libpqxx's exceptions, which
// the worker turns into codes.
#pragma once

#include "actors/database/queue_floor.hpp"
#include "actors/mission/user_budgets.hpp"
#include "messages/mission_claimer.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string>

namespace mana::pg {
class connection;
}

namespace mana {

struct claim_terms {
  std::chrono::milliseconds lease{15'000};
  std::string owner; // the replica's name, for operators
  user_budgets budgets = {};
  // In microseconds; the slack is for those who are due by the second.
  std::shared_ptr<queue_floor> line = std::make_shared<queue_floor>(2'000'000);
};

// One committed statement, before it one that looks where the line begins, after it one for the line's state.
claimed_missions claim_due_missions(pg::connection&, const claim_missions&, const claim_terms&);

// One statement for all leases; a second one frees expired leases of others.
leases_renewed renew_held_leases(pg::connection&, std::span<const lease>, const claim_terms&);

// Gives missions back; the attempt is not counted, unless the runs ended their planners.
handed_back release_unrun(pg::connection&, std::vector<lease>, bool crashed = false);

} // namespace mana
