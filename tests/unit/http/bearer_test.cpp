#include "http/server/bearer.hpp"

#include <gtest/gtest.h>

using namespace mana;

namespace {

result<std::string_view> token_in(const std::string& header) {
  static http::request req; // the answer views it
  req.headers["authorization"] = header;
  return http::bearer_token(req);
}

} // namespace

TEST(bearer_token, is_what_stands_behind_the_scheme_in_any_case) {
  for (auto* header : {"Bearer a.b-c_d", "bearer a.b-c_d", "BEARER a.b-c_d"}) {
    auto token = token_in(header);
    ASSERT_TRUE(token) << header;
    EXPECT_EQ(*token, "a.b-c_d");
  }
}

TEST(bearer_token, anything_else_is_unauthorized_and_not_quoted) {
  for (auto* header :
       {"", "Bearer", "Bearer ", "Bearer  secret", "Bearer secret secret", "Bearer secret, Bearer secret",
        "Bearersecret", "Basic secret", "Bearer secr\"et", "Bearer secret ", " Bearer secret"}) {
    auto token = token_in(header);
    ASSERT_FALSE(token) << header;
    EXPECT_EQ(token.error().code, errc::unauthorized);
    EXPECT_EQ(token.error().detail.find("secret"), std::string::npos);
  }
  EXPECT_FALSE(http::bearer_token({}));
}
