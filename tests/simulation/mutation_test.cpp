// Whether the invariants would notice: a rule that is broken on purpose must be found in some world.
#include "tests/simulation/many_worlds.hpp"

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
  auto noticed = [&](const world_outcome& o) { return o.violation && o.violation->starts_with(m.noticed_as); };
  many_worlds worlds{0, m.seeds, m.broken, noticed, 1};
  EXPECT_FALSE(worlds.violations().empty()) << "none of " << m.seeds << " seeds notices it";
}

const mutation mutations[] = {
    {"claim_ignores_leases", broken_rule::claim_ignores_leases, "one lease per mission", 50},
    {"write_ignores_token", broken_rule::write_ignores_token, "no write without a live lease", 300},
    {"write_ignores_lease_end", broken_rule::write_ignores_lease_end, "no write without a live lease", 300},
    {"audit_answers_early", broken_rule::audit_answers_early, "no decrypt is used before its audit row", 50},
    {"write_ignores_grant", broken_rule::write_ignores_grant, "no plan is written under a grant that is gone", 2000},
    {"tokens_not_reserved", broken_rule::tokens_not_reserved, "tokens per day", 300},
    {"runs_in_hour_not_counted", broken_rule::runs_in_hour_not_counted, "runs per hour", 50},
    {"in_flight_not_limited", broken_rule::in_flight_not_limited, "runs in flight", 50},
    {"claim_ignores_quarantine", broken_rule::claim_ignores_quarantine, "a quarantined mission is never claimed", 300},
    {"leases_not_rescued", broken_rule::leases_not_rescued, "every due slot comes to its end", 50},
    {"retry_forgets_slot", broken_rule::retry_forgets_slot, "every due slot comes to its end", 50},
    {"tabs_not_waited_for", broken_rule::tabs_not_waited_for, "a slot that a tab has planned", 300},
    {"tabs_are_crashes", broken_rule::tabs_are_crashes, "a tab that goes away is nobody's crash", 50},
};

INSTANTIATE_TEST_SUITE_P(mutation, broken_world, testing::ValuesIn(mutations),
                         [](auto& instance) { return std::string{instance.param.name}; });

} // namespace

} // namespace mana::sim
