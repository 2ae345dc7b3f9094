#include "actors/database/connect_gate.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;

struct connect_gate_test : testing::Test {
  connect_gate gate{backoff{.least = 50ms, .base = 200ms, .max = 2s}};
  connect_gate::time_point now{1000s};
  const failure refused{errc::database_unavailable, "connection refused"};

  bool open() { return !gate.refusal(now); }
  void fail(double random = 1.0) { gate.failed(refused, now, random); }
};

TEST_F(connect_gate_test, lets_everybody_through_at_first) {
  EXPECT_TRUE(open());
  EXPECT_TRUE(open());
}

TEST_F(connect_gate_test, answers_with_the_last_failure_during_the_pause) {
  fail();
  now += 199ms;
  auto answer = gate.refusal(now);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, errc::database_unavailable);
  EXPECT_EQ(answer->detail, "connection refused");
}

TEST_F(connect_gate_test, lets_one_try_after_the_pause) {
  fail();
  now += 200ms;
  EXPECT_TRUE(open());
  EXPECT_FALSE(open());
}

TEST_F(connect_gate_test, opens_for_all_once_one_has_connected) {
  fail();
  now += 200ms;
  ASSERT_TRUE(open());
  gate.connected();
  EXPECT_TRUE(open());
  EXPECT_TRUE(open());
}

TEST_F(connect_gate_test, closes_for_longer_after_each_failure_up_to_a_bound) {
  fail();
  for (auto pause : {200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
    now += pause - 1ms;
    EXPECT_FALSE(open()) << pause.count();
    now += 1ms;
    ASSERT_TRUE(open()) << pause.count();
    fail();
  }
}

TEST_F(connect_gate_test, counts_attempts_that_failed_together_as_one) {
  for (int worker = 0; worker < 6; ++worker)
    ASSERT_TRUE(open());
  for (int worker = 0; worker < 6; ++worker)
    fail();
  now += 200ms;
  EXPECT_TRUE(open());
}

TEST_F(connect_gate_test, draws_the_pause_by_chance) {
  fail(0.5);
  now += 124ms;
  EXPECT_FALSE(open());
  now += 1ms;
  EXPECT_TRUE(open());
}

TEST_F(connect_gate_test, begins_anew_after_a_success) {
  for (int i = 0; i < 5; ++i) {
    fail();
    now += 2s;
    ASSERT_TRUE(open());
  }
  gate.connected();
  fail();
  now += 200ms;
  EXPECT_TRUE(open());
}

} // namespace
} // namespace mana
