#include "actors/llm_proxy/call_limits.hpp"

#include "messages/retry_after.hpp"

#include <algorithm>

namespace mana {

std::optional<failure> call_limits::begin(const user_id& user, time_point now) {
  if (!users_.contains(user) && users_.size() >= rules_.max_users)
    forget_idle(now);
  if (!users_.contains(user) && users_.size() >= rules_.max_users)
    return failure{errc::overloaded, "too many users ask the language model right now"};
  auto& u = users_[user];
  if (u.in_flight >= rules_.in_flight)
    return rate_limited_for(std::chrono::seconds{1});
  const std::chrono::nanoseconds minute = std::chrono::minutes{1};
  auto share = minute / static_cast<std::int64_t>(rules_.per_minute);
  auto even_at = std::max(u.even_at, now) + share;
  if (even_at - now > minute)
    return rate_limited_for(std::chrono::ceil<std::chrono::seconds>(even_at - now - minute));
  u.even_at = even_at;
  ++u.in_flight;
  return std::nullopt;
}

void call_limits::ended(const user_id& user) {
  auto known = users_.find(user);
  if (known != users_.end() && known->second.in_flight > 0)
    --known->second.in_flight;
}

// Who has no time to make up for is as good as unknown. Not for every call: it looks at all users.
void call_limits::forget_idle(time_point now) {
  if (now - forgot_at_ < std::chrono::seconds{1})
    return;
  forgot_at_ = now;
  std::erase_if(users_, [&](auto& entry) { return entry.second.in_flight == 0 && entry.second.even_at <= now; });
}

} // namespace mana
