#include "actors/planner/token_estimate.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

chat_answer answered(std::string content, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
  return {std::move(content), 1, {}, prompt_tokens, completion_tokens};
}

TEST(token_estimate, what_the_endpoint_reports_counts) {
  EXPECT_EQ(tokens_used(answered("plan", 1200, 300), 40), 1500);
  EXPECT_EQ(tokens_used(answered("plan", 1200, 0), 40), 1200);
}

TEST(token_estimate, without_a_report_four_bytes_are_a_token) {
  EXPECT_EQ(tokens_used(answered("12345", 0, 0), 40), 12);
  EXPECT_EQ(tokens_used(answered("", 0, 0), 0), 0);
}

TEST(token_estimate, an_absurd_report_is_not_believed) {
  EXPECT_EQ(tokens_used(answered("1234", -5, -7), 4), 2);
  EXPECT_EQ(tokens_used(answered("", INT64_MAX, INT64_MAX), 4), 200'000'000);
}

} // namespace
} // namespace mana
