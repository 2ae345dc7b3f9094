#include "actors/llm_proxy/token_queries.hpp"

#include "infra/postgres/connection.hpp"
#include "messages/retry_after.hpp"

namespace mana {

result<token_reservation> reserve_tokens(pg::connection& db, const user_id& user, std::int64_t tokens,
                                         std::int64_t per_day) {
  auto rows =
      db.exec("SELECT day_us, wait_ms FROM mana_ai.reserve_call_tokens($1, $2, $3)", user.value, tokens, per_day);
  if (auto day = pg::get<std::int64_t>(rows[0]["day_us"]))
    return token_reservation{tokens, *day};
  std::chrono::milliseconds wait{rows[0]["wait_ms"].as<std::int64_t>()};
  return token_budget_spent_for(std::chrono::ceil<std::chrono::seconds>(wait));
}

void settle_tokens(pg::connection& db, const user_id& user, const token_reservation& reserved, std::int64_t used) {
  db.exec("SELECT mana_ai.settle_call_tokens($1, $2, $3, $4)", user.value, reserved.tokens, used, reserved.day_us);
}

} // namespace mana
