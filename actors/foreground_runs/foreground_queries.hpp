// The statements of foreground_runs. Run on a database worker; throw libpqxx's exceptions, which the worker turns into
// codes.
#pragma once

#include "actors/mission/user_budgets.hpp"
#include "messages/foreground_runs.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace mana::pg {
class connection;
}

namespace mana {

struct foreground_terms {
  std::chrono::milliseconds lease{15'000};
  std::size_t runs_per_user = 0; // in flight, those of the server included; 0: no limit
  user_budgets budgets = {};
};

// What mana_ai.claim_foreground_run says.
struct foreground_verdict {
  std::string what;
  std::string hold;
  std::optional<timestamp> until;
};

// Why the mission is not the tab's, in words for its user. Not for `claimed` and `unfolded`.
failure why_not_claimed(const foreground_verdict& v);

// nullopt, here and below: rows of the log wait to be folded; refresh, then ask again.
std::optional<result<foreground_run>> claim_in_foreground(pg::connection&, const mission_key&, const foreground_terms&);

result<foreground_run_renewed> renew_in_foreground(pg::connection&, const lease&, const foreground_terms&);

std::optional<foreground_run_ended> end_in_foreground(pg::connection&, const lease&);

} // namespace mana
