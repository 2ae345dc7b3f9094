#include "http/server/error_response.hpp"
#include "http/server/key_check.hpp"

#include "infra/json/value.hpp"

#include <gtest/gtest.h>

using namespace mana;
using namespace mana::http;

namespace {

TEST(error_response, has_error_and_code) {
  auto r = error_response(failure{errc::bad_request, "limit: must be a number"});
  EXPECT_EQ(r.status, 400u);
  EXPECT_EQ(r.content_type, "application/json");
  EXPECT_EQ(r.body, R"({"error":"limit: must be a number","code":"BAD_REQUEST"})");
}

TEST(error_response, keeps_details_of_server_errors_inside) {
  for (auto code : {errc::database_refused, errc::database_unavailable, errc::llm_failed, errc::llm_timeout,
                    errc::internal, errc::config_invalid, errc::shutting_down}) {
    auto r = error_response(failure{code, "host=db.internal"});
    EXPECT_GE(r.status, 500u);
    EXPECT_EQ(r.body.find("db.internal"), std::string::npos) << r.body;
    EXPECT_FALSE(json::parse(r.body)->text("error").empty());
  }
}

TEST(error_response, maps_every_code_to_an_error_status) {
  for (int n = 1; n < 256; ++n) {
    auto [status, code] = to_http(static_cast<errc>(n));
    EXPECT_TRUE(status >= 400 && status < 600) << n;
    EXPECT_FALSE(code.empty());
  }
  EXPECT_EQ(to_http(errc::unauthorized).status, 401u);
  EXPECT_EQ(to_http(errc::not_found).status, 404u);
  EXPECT_EQ(to_http(errc::limit_exceeded).status, 413u);
  EXPECT_EQ(to_http(errc::database_unavailable).status, 503u);
}

TEST(same_key, compares_whole_keys) {
  EXPECT_TRUE(same_key("0123456789abcdef", "0123456789abcdef"));
  EXPECT_FALSE(same_key("0123456789abcdeF", "0123456789abcdef"));
  EXPECT_FALSE(same_key("0123456789abcde", "0123456789abcdef"));
  EXPECT_FALSE(same_key("", "0123456789abcdef"));
}

TEST(same_key, never_matches_a_key_that_is_not_configured) {
  EXPECT_FALSE(same_key("", ""));
  EXPECT_FALSE(same_key("x", ""));
}

} // namespace
