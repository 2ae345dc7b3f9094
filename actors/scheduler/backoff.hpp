// Exponential backoff with full jitter: a delay is drawn evenly between `least` and a bound that
// doubles with each failure. The randomness is a parameter.
#pragma once

#include <chrono>

namespace mana {

struct backoff {
  std::chrono::milliseconds least{0};
  std::chrono::milliseconds base{1'000}; // the bound after the first failure
  std::chrono::milliseconds max{60'000}; // of the bound

  // failures: how many came in a row, from 1 (0 counts as 1). random: in [0, 1).
  std::chrono::milliseconds delay(unsigned failures, double random) const noexcept;
};

// Evenly in [0, 1), from a generator of the calling thread: what `random` is outside of tests.
double random_share();

} // namespace mana
