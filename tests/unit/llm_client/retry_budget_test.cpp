#include "actors/llm_client/retry_budget.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

void fail(retry_budget& b, int times) {
  for (int i = 0; i < times; ++i)
    b.failed();
}

void succeed(retry_budget& b, int times) {
  for (int i = 0; i < times; ++i)
    b.succeeded();
}

TEST(retry_budget_test, a_new_one_pays_for_as_many_failures_as_open_a_circuit) {
  retry_budget b;
  fail(b, 20);
  EXPECT_TRUE(b.allows_retry());
  fail(b, 1);
  EXPECT_FALSE(b.allows_retry());
}

TEST(retry_budget_test, five_successes_pay_for_a_failure) {
  retry_budget b;
  fail(b, 21);
  succeed(b, 4);
  EXPECT_FALSE(b.allows_retry());
  succeed(b, 2); // one more than five: sums of fifths are not exact
  EXPECT_TRUE(b.allows_retry());
  fail(b, 1);
  EXPECT_FALSE(b.allows_retry());
}

TEST(retry_budget_test, savings_are_limited) {
  retry_budget b;
  succeed(b, 100'000);
  fail(b, 100);
  EXPECT_TRUE(b.allows_retry());
  fail(b, 1);
  EXPECT_FALSE(b.allows_retry());
}

TEST(retry_budget_test, so_is_debt) {
  retry_budget b;
  fail(b, 100'000);
  succeed(b, 499);
  EXPECT_FALSE(b.allows_retry());
  succeed(b, 2);
  EXPECT_TRUE(b.allows_retry());
}

TEST(retry_budget_test, exploring_leaves_something_for_retries) {
  retry_budget b;
  EXPECT_TRUE(b.allows_exploring());
  fail(b, 11);
  EXPECT_FALSE(b.allows_exploring());
  EXPECT_TRUE(b.allows_retry());
}

} // namespace
} // namespace mana
