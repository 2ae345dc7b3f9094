// The seed of a randomized test: printed, and replayed with MANA_TEST_SEED=<seed>.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>

namespace mana {

inline unsigned random_seed() {
  auto* given = std::getenv("MANA_TEST_SEED");
  auto seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::cout << "MANA_TEST_SEED=" << seed << '\n';
  return seed;
}

} // namespace mana
