#include "http/server/cors.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace mana::http;

namespace {

const std::vector<std::string> origins{"https://app.test", "http://localhost:5173"};

std::map<std::string, std::string> headers_of(const std::string& origin, const std::string& path = "/api/v1/me/x",
                                              const std::string& method = "GET",
                                              const std::vector<std::string>& allowed = origins) {
  request r;
  r.method = method;
  r.path = path;
  if (!origin.empty())
    r.headers["origin"] = origin;
  if (method == "OPTIONS")
    r.headers["access-control-request-method"] = "POST";
  auto list = cors_headers(allowed, r);
  return {list.begin(), list.end()};
}

} // namespace

TEST(cors, a_listed_origin_is_answered_exactly_and_may_send_credentials) {
  auto h = headers_of("https://app.test");
  EXPECT_EQ(h["Access-Control-Allow-Origin"], "https://app.test");
  EXPECT_EQ(h["Access-Control-Allow-Credentials"], "true");
  EXPECT_EQ(h["Vary"], "Origin");
  EXPECT_FALSE(h.contains("Access-Control-Allow-Methods"));
}

TEST(cors, any_other_origin_gets_nothing_but_the_hint_for_caches) {
  for (auto* origin : {"https://evil.test", "https://app.test.evil.test", "https://app.test:8443", "http://app.test",
                       "https://app.test/", "HTTPS://app.test", "null", "*", "https://app.test, https://evil.test"}) {
    auto h = headers_of(origin);
    EXPECT_EQ(h, (std::map<std::string, std::string>{{"Vary", "Origin"}})) << origin;
  }
}

TEST(cors, a_preflight_names_methods_headers_and_how_long_it_holds) {
  auto h = headers_of("http://localhost:5173", "/api/v1/me/x", "OPTIONS");
  EXPECT_EQ(h["Access-Control-Allow-Origin"], "http://localhost:5173");
  EXPECT_NE(h["Access-Control-Allow-Methods"].find("DELETE"), std::string::npos);
  EXPECT_EQ(h["Access-Control-Allow-Headers"], "authorization, content-type, traceparent, tracestate");
  EXPECT_EQ(h["Access-Control-Max-Age"], "600");
  EXPECT_EQ(headers_of("https://evil.test", "/api/v1/me/x", "OPTIONS").size(), 1u);
}

TEST(cors, without_origins_or_outside_of_the_api_there_are_no_headers) {
  EXPECT_TRUE(headers_of("https://app.test", "/api/v1/me/x", "GET", {}).empty());
  EXPECT_TRUE(headers_of("https://app.test", "/internal/tick").empty());
  EXPECT_TRUE(headers_of("https://app.test", "/apix").empty());
}
