#include "messages/retry_after.hpp"

#include "http/server/error_response.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace mana;

namespace {

TEST(retry_after, comes_back_from_the_failures_text) {
  EXPECT_EQ(retry_after(rate_limited_for(90s)), 90s);
  EXPECT_EQ(retry_after(rate_limited_for(0s)), 1s);
}

TEST(retry_after, is_nothing_for_other_failures) {
  EXPECT_EQ(retry_after({errc::rate_limited, ""}), std::nullopt);
  EXPECT_EQ(retry_after({errc::rate_limited, "too many requests; try again in x s"}), std::nullopt);
  EXPECT_EQ(retry_after({errc::internal, rate_limited_for(5s).detail}), std::nullopt);
}

TEST(retry_after, becomes_a_header) {
  auto r = http::error_response(rate_limited_for(90s));
  EXPECT_EQ(r.status, 429u);
  EXPECT_EQ(r.headers, (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "90"}}));
}

} // namespace
