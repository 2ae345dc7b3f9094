// What one user may use of the service, unless mana_ai.user_limits says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mana {

// 0: no limit.
struct user_budgets {
  std::size_t runs_per_hour = 0;   // hours of UTC, by the database's clock
  std::int64_t tokens_per_day = 0; // days of UTC; prompts and answers of the LLM
  // Of the day's tokens, reserved by a claim until the run ends and says what it used. Enough for one call: a runner
  // that dies leaves the reservation spent.
  std::int64_t tokens_per_run = 0;
};

} // namespace mana
