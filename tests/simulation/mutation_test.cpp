// Whether the invariants would notice: a rule that is broken on purpose must be found in some world.
#include "tests/simulation/simulation.hpp"

#include <gtest/gtest.h>

namespace mana::sim {

namespace {

struct mutation {
  const char* name;
  broken_rule broken;
  std::string_view noticed_as; // how the violation begins
  std::uint64_t seeds;         // within which it is found
};

void PrintTo(const mutation& m, std::ostream* out) { *out << m.name; }

class broken_world : public testing::TestWithParam<mutation> {};

TEST_P(broken_world, is_noticed) {
  auto& m = GetParam();
  for (std::uint64_t seed = 0; seed < m.seeds; ++seed) {
    auto outcome = simulate(seed, tracing::off, m.broken);
    if (outcome.violation && outcome.violation->starts_with(m.noticed_as)) {
      RecordProperty("seed", std::to_string(seed));
      return;
    }
  }
  FAIL() << "none of " << m.seeds << " seeds notices it";
}

const mutation mutations[] = {
    {"claim_ignores_leases", broken_rule::claim_ignores_leases, "one lease per mission", 50},
    {"write_ignores_token", broken_rule::write_ignores_token, "no write without a live lease", 200},
    {"write_ignores_lease_end", broken_rule::write_ignores_lease_end, "no write without a live lease", 200},
    {"renewal_revives", broken_rule::renewal_revives, "a lease that has ended is not revived", 200},
    {"audit_answers_early", broken_rule::audit_answers_early, "no decrypt is used before its audit row", 50},
    {"write_ignores_grant", broken_rule::write_ignores_grant, "no plan is written under a grant that is gone", 200},
    {"tokens_not_reserved", broken_rule::tokens_not_reserved, "tokens per day", 200},
    {"runs_in_hour_not_counted", broken_rule::runs_in_hour_not_counted, "runs per hour", 50},
    {"in_flight_not_limited", broken_rule::in_flight_not_limited, "runs in flight", 50},
    {"claim_ignores_quarantine", broken_rule::claim_ignores_quarantine, "a quarantined mission is never claimed", 200},
    {"leases_not_rescued", broken_rule::leases_not_rescued, "every due slot comes to its end", 50},
    {"retry_forgets_slot", broken_rule::retry_forgets_slot, "every due slot comes to its end", 50},
};

INSTANTIATE_TEST_SUITE_P(mutation, broken_world, testing::ValuesIn(mutations),
                         [](auto& instance) { return std::string{instance.param.name}; });

} // namespace

} // namespace mana::sim
