// A property that a fuzz target checks: the fuzzer and the sanitizers report an abort with its stack.
#pragma once

#include <cstdlib>

namespace mana::fuzz {

inline void require(bool property) {
  if (!property)
    std::abort();
}

} // namespace mana::fuzz
