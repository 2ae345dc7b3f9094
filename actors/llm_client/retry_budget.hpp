// retry_budget: keeps the calls that are sent within 1.2 per success. Pure.
//
// Every success earns a fifth of a failure, every failed call costs one, whether it was a first call,
// a retry or a probe: what a provider in trouble sees is calls, not our reasons for them. While the
// budget is in debt, failed calls are not repeated. A first call is never refused for it: whether an
// endpoint may be asked at all is for its circuit, rests and limit to say.
#pragma once

#include <algorithm>

namespace mana {

class retry_budget {
public:
  static constexpr double earned_per_success = 0.2;
  static constexpr double at_start = 20; // what opens a circuit, so that a new replica behaves like an old one
  static constexpr double most = 100;    // so that a calm day does not pay for a whole storm
  // A storm that took all calls in flight with it is written off at some point, or a replica that
  // lost thousands at once would go without retries for hours.
  static constexpr double deepest_debt = -100;

  void succeeded() { left_ = std::min(most, left_ + earned_per_success); }
  void failed() { left_ = std::max(deepest_debt, left_ - 1); }

  // Whether the failure that was just counted was paid for, so that the call may be sent again.
  bool allows_retry() const { return left_ >= 0; }
  // Whether failures that are the price of finding out more may be provoked: half of what a new
  // replica has stays for retries.
  bool allows_exploring() const { return left_ >= at_start / 2; }

private:
  double left_ = at_start;
};

} // namespace mana
