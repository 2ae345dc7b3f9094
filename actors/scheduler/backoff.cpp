#include "actors/scheduler/backoff.hpp"

#include <algorithm>
#include <cstdint>
#include <random>

namespace mana {

std::chrono::milliseconds backoff::delay(unsigned failures, double random) const noexcept {
  auto bound = base;
  for (unsigned i = 1; i < failures && bound < max; ++i)
    bound *= 2;
  bound = std::max(least, std::min(bound, max));
  auto span = static_cast<double>((bound - least).count());
  return least + std::chrono::milliseconds{static_cast<std::int64_t>(std::clamp(random, 0.0, 1.0) * span)};
}

double random_share() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(engine);
}

} // namespace mana
