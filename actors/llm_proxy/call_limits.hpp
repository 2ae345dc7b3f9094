// call_limits: how often and how much at once each user may ask. As many calls as a minute allows may come at once;
// then one may each time its share of the minute is over (the generic cell rate algorithm). In memory, so per replica.
// Pure.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <unordered_map>

namespace mana {

struct call_rules {
  std::size_t per_minute = 30;
  std::size_t in_flight = 4;
  std::size_t max_users = 20'000; // that are remembered
};

class call_limits {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit call_limits(call_rules rules) : rules_(rules) {}

  // nullopt: the call counts, until ended(). rate_limited; overloaded when too many users ask within a minute.
  std::optional<failure> begin(const user_id& user, time_point now);
  void ended(const user_id& user);

  std::size_t users() const noexcept { return users_.size(); }

private:
  struct usage {
    time_point even_at{}; // when all calls so far have had their share of time
    std::size_t in_flight = 0;
  };
  void forget_idle(time_point now);

  call_rules rules_;
  std::unordered_map<user_id, usage> users_;
  time_point forgot_at_{};
};

} // namespace mana
