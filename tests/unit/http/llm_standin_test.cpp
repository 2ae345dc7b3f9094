#include "http/llm_standin_routes.hpp"

#include <gtest/gtest.h>

using namespace mana::http;

namespace {

TEST(standin_outcome, is_always_ok_without_faults) {
  llm_standin_options o;
  for (auto random : {0.0, 0.5, 0.9999999999})
    EXPECT_EQ(choose_outcome(o, random), standin_outcome::ok);
}

TEST(standin_outcome, follows_the_rates_in_their_order) {
  llm_standin_options o;
  o.error_rate = 0.125;
  o.malformed_rate = 0.125;
  o.hang_rate = 0.125;
  o.cut_rate = 0.125;
  o.rate_limit_rate = 0.125;
  EXPECT_EQ(choose_outcome(o, 0.0), standin_outcome::error);
  EXPECT_EQ(choose_outcome(o, 0.124), standin_outcome::error);
  EXPECT_EQ(choose_outcome(o, 0.125), standin_outcome::malformed);
  EXPECT_EQ(choose_outcome(o, 0.25), standin_outcome::hang);
  EXPECT_EQ(choose_outcome(o, 0.375), standin_outcome::cut);
  EXPECT_EQ(choose_outcome(o, 0.5), standin_outcome::rate_limited);
  EXPECT_EQ(choose_outcome(o, 0.625), standin_outcome::ok);
}

TEST(standin_outcome, can_be_one_fault_always) {
  llm_standin_options o;
  o.rate_limit_rate = 1;
  EXPECT_EQ(choose_outcome(o, 0.0), standin_outcome::rate_limited);
  EXPECT_EQ(choose_outcome(o, 0.9999999999), standin_outcome::rate_limited);
}

} // namespace
