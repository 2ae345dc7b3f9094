// Two thousand worlds, or as many as MANA_SIM_SEEDS says. One of them again, with its trace:
//   MANA_SIM_SEED=<n> MANA_SIM_TRACE=1 build/debug/simulation_tests --gtest_filter='simulation.replays_a_seed'
#include "tests/simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace mana::sim {

namespace {

constexpr std::uint64_t parts = 8;
constexpr std::size_t shown_lines = 60;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  auto* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string report(std::uint64_t seed, const std::string& violation) {
  std::ostringstream out;
  out << "seed " << seed << ": " << violation << "\nreplay: MANA_SIM_SEED=" << seed
      << " MANA_SIM_TRACE=1 build/debug/simulation_tests --gtest_filter=simulation.replays_a_seed\n";
  auto lines = simulate(seed, tracing::kept).trace;
  for (auto i = lines.size() - std::min(lines.size(), shown_lines); i < lines.size(); ++i)
    out << "  " << lines[i] << '\n';
  return out.str();
}

class simulation : public testing::TestWithParam<std::uint64_t> {};

TEST_P(simulation, no_fault_breaks_a_rule) {
  auto seeds = number_from("MANA_SIM_SEEDS", 2'000);
  std::size_t planned = 0;
  for (auto seed = GetParam(); seed < seeds; seed += parts) {
    auto outcome = simulate(seed);
    planned += outcome.planned;
    ASSERT_FALSE(outcome.violation) << report(seed, *outcome.violation);
  }
  EXPECT_GT(planned, seeds / parts);
}

INSTANTIATE_TEST_SUITE_P(part, simulation, testing::Range<std::uint64_t>(0, parts));

} // namespace

TEST(simulation, replays_a_seed) {
  auto seed = number_from("MANA_SIM_SEED", 1);
  auto how = number_from("MANA_SIM_TRACE", 0) != 0 ? tracing::printed : tracing::kept;
  auto outcome = simulate(seed, how);
  EXPECT_FALSE(outcome.violation) << "seed " << seed << ": " << *outcome.violation;
}

TEST(simulation, a_seed_means_the_same_world_every_time) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto first = simulate(seed, tracing::kept);
    auto again = simulate(seed, tracing::kept);
    EXPECT_EQ(first.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.trace, again.trace) << "seed " << seed;
  }
}

} // namespace mana::sim
