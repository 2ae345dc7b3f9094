#include "actors/llm_proxy/call_limits.hpp"

#include "messages/retry_after.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;

const user_id anna{"anna"};
const user_id ben{"ben"};

struct call_limits_test : testing::Test {
  // A call that is over at once.
  std::optional<failure> call(const user_id& user) {
    auto refused = limits.begin(user, now);
    if (!refused)
      limits.ended(user);
    return refused;
  }

  call_limits::time_point now{1h};
  call_limits limits{{6, 2, 3}};
};

TEST_F(call_limits_test, as_many_calls_as_a_minute_allows_and_then_one_every_tenth_second) {
  for (int i = 0; i < 6; ++i)
    EXPECT_FALSE(call(anna)) << i;
  auto refused = call(anna);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, errc::rate_limited);
  EXPECT_EQ(retry_after(*refused), 10s);
  now += 9s;
  EXPECT_EQ(retry_after(*call(anna)), 1s);
  now += 1s;
  EXPECT_FALSE(call(anna));
  EXPECT_TRUE(call(anna));
}

TEST_F(call_limits_test, a_long_pause_saves_up_no_more_than_a_minute) {
  EXPECT_FALSE(call(anna));
  now += 24h;
  for (int i = 0; i < 6; ++i)
    EXPECT_FALSE(call(anna)) << i;
  EXPECT_TRUE(call(anna));
}

TEST_F(call_limits_test, one_user_does_not_use_up_anothers) {
  for (int i = 0; i < 7; ++i)
    call(anna);
  EXPECT_FALSE(call(ben));
}

TEST_F(call_limits_test, calls_at_once_are_limited_and_a_refused_one_costs_nothing) {
  EXPECT_FALSE(limits.begin(anna, now));
  EXPECT_FALSE(limits.begin(anna, now));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(limits.begin(anna, now)->code, errc::rate_limited);
  limits.ended(anna);
  EXPECT_FALSE(limits.begin(anna, now));
  limits.ended(anna);
  limits.ended(anna);
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(call(anna)) << i;
  EXPECT_TRUE(call(anna));
}

TEST_F(call_limits_test, users_who_have_not_asked_for_a_minute_are_forgotten_when_there_are_too_many) {
  EXPECT_FALSE(limits.begin({"in flight"}, now));
  EXPECT_FALSE(call(anna));
  EXPECT_FALSE(call(ben));
  auto refused = call({"too many"});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, errc::overloaded);
  now += 1min;
  EXPECT_FALSE(call({"carla"}));
  EXPECT_EQ(limits.users(), 2u);
}

} // namespace
} // namespace mana
