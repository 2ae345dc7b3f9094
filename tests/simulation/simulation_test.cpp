// Two thousand worlds, or as many as MANA_SIM_SEEDS says from MANA_SIM_FIRST_SEED on. One of them again, with its
// trace:
//   MANA_SIM_SEED=<n> MANA_SIM_TRACE=1 build/debug/simulation_tests --gtest_filter='simulation.replays_a_seed'
#include "tests/simulation/many_worlds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace mana::sim {

namespace {

constexpr std::uint64_t parts = 4;
constexpr std::size_t shown_violations = 3;
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
  auto each = (number_from("MANA_SIM_SEEDS", 2'000) + parts - 1) / parts;
  auto first = number_from("MANA_SIM_FIRST_SEED", 0) + GetParam() * each;
  many_worlds worlds{first, first + each, broken_rule::none, [](auto& o) { return o.violation.has_value(); },
                     shown_violations};
  RecordProperty("planned", std::to_string(worlds.planned()));
  RecordProperty("failed", std::to_string(worlds.failed()));
  RecordProperty("quarantined", std::to_string(worlds.quarantined()));
  for (auto& [seed, violation] : worlds.violations())
    ADD_FAILURE() << report(seed, violation);
  EXPECT_GT(worlds.planned(), each) << "worlds in which little is planned prove little";
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
