// A world of replicas, users and faults that follows from one number.
//
// For some minutes everything fails that the seed chose to fail; then nothing fails any more, and what is due must
// come to its end. Invariants are checked whenever the models are touched, which is after every step.
#pragma once

#include "tests/simulation/rules.hpp"
#include "tests/simulation/trace.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mana::sim {

struct world_outcome {
  std::optional<std::string> violation;
  std::size_t planned = 0;
  std::size_t failed = 0;
  std::size_t quarantined = 0;
  std::uint64_t trace_hash = 0;
  std::vector<std::string> trace;
};

world_outcome simulate(std::uint64_t seed, tracing how = tracing::off, broken_rule broken = broken_rule::none);

} // namespace mana::sim
