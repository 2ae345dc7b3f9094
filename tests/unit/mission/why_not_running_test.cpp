#include "actors/mission_directory/mission_directory_actor.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;

const timestamp now = *parse_iso("2026-03-01T08:00:00.000Z");

mission_facts due() {
  mission_facts f;
  f.now = now;
  f.slot = f.claimable = now - 1min;
  f.users_limit = 8;
  return f;
}

TEST(why_not_running, of_several_reasons_names_the_one_that_counts) {
  EXPECT_EQ(why_not_running(due()), "due");
  auto f = due();
  f.circuit_open = true;
  EXPECT_EQ(why_not_running(f), "circuit-open");
  f.users_runs = 8;
  EXPECT_EQ(why_not_running(f), "over-the-users-limit");
  f.runs_spent = true;
  EXPECT_EQ(why_not_running(f), "over-runs-per-hour");
  f.tokens_spent = true;
  EXPECT_EQ(why_not_running(f), "over-token-budget");
  f.claimable = now + 1min;
  EXPECT_EQ(why_not_running(f), "retry-later");
  f.slot = now + 1min;
  EXPECT_EQ(why_not_running(f), "not-due");
  f.claimable.reset();
  EXPECT_EQ(why_not_running(f), "no-next-run");
  f.hold = "paused";
  EXPECT_EQ(why_not_running(f), "paused");
  f.leased = true;
  EXPECT_EQ(why_not_running(f), "running");
}

TEST(why_not_running, a_limit_of_zero_holds_nobody) {
  auto f = due();
  f.users_limit = 0;
  f.users_runs = 100;
  EXPECT_EQ(why_not_running(f), "due");
}

} // namespace
} // namespace mana
