// The statements of the llm_proxy. Run on a database worker; throw libpqxx's exceptions, which the worker turns into
// codes.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <cstdint>

namespace mana::pg {
class connection;
}

namespace mana {

// Tokens of a user's day that are set aside for one call. A call that is never settled leaves them spent.
struct token_reservation {
  std::int64_t tokens = 0;
  std::int64_t day_us = 0; // which day's they are
};

// token_budget_spent. `per_day`: of users without a limit of their own, 0: none.
result<token_reservation> reserve_tokens(pg::connection&, const user_id&, std::int64_t tokens, std::int64_t per_day);

void settle_tokens(pg::connection&, const user_id&, const token_reservation&, std::int64_t used);

} // namespace mana
