// endpoint_guard: whether an endpoint may be sent a call now. Pure; it puts together
//  - the circuit: the endpoint fails (5xx, timeouts, connections);
//  - the rest: it has too much to do (429) and said for how long it wants to be left alone, or it refused
//    again after we slowed down, then for a backoff that doubles with each further time;
//  - the limit of calls in flight.
// A 429 never opens the circuit: an endpoint that counts its calls is well.
//
// A Retry-After is kept by everybody, if a call can wait for its end. A longer one may concern the one call
// alone (its size, its model), and would idle the replica for hours: it holds for its call at once, and
// for all when it is said twice without a success between.
#pragma once

#include "actors/llm_client/adaptive_limit.hpp"
#include "actors/llm_client/attempt.hpp"
#include "actors/llm_client/circuit_breaker.hpp"
#include "actors/llm_client/endpoint_choice.hpp"

#include <chrono>

namespace mana {

struct endpoint_rules {
  std::size_t max_in_flight = 2'000;
  circuit_rules circuit;
  std::chrono::milliseconds rest_base{500}; // the first rest without a Retry-After; doubles then
  std::chrono::milliseconds rest_max{20'000};
  std::chrono::milliseconds total_timeout{120'000}; // what a call can wait
};

class endpoint_guard {
public:
  using clock = std::chrono::steady_clock;
  struct permit {
    circuit_permit circuit;
    adaptive_limit::permit place;
  };

  explicit endpoint_guard(const endpoint_rules& rules) : rules_(rules), limit_(rules.max_in_flight) {}

  endpoint_view at(clock::time_point now) const;
  // Only when at(now) is ready.
  permit admit(clock::time_point now);
  // `random` is in [0, 1).
  void ended(permit p, const attempt_report& report, bool may_explore, clock::time_point now, double random);

  const adaptive_limit& limit() const { return limit_; }
  circuit_phase phase() const { return circuit_.phase; }

private:
  void refused(const attempt_report& report, bool in_a_row, clock::time_point now, double random);

  endpoint_rules rules_;
  circuit_state circuit_;
  adaptive_limit limit_;
  clock::time_point rests_until_{};
  // Refusals in spite of a lower limit, less a tenth per success since: an endpoint that counts calls per
  // minute, not calls in flight, is then refused two calls in about ten.
  double strictness_ = 0;
  unsigned long_rests_asked_ = 0; // since the last success
};

} // namespace mana
