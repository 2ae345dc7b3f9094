#include "http/server/origin.hpp"

#include <gtest/gtest.h>

using namespace mana;

namespace {

bool may_open(const std::string& origin, const std::string& host = "mana.test") {
  http::request req;
  req.headers["host"] = host;
  if (!origin.empty())
    req.headers["origin"] = origin;
  return http::may_open_socket(req, "https://mana.example/app", {"https://app.example"});
}

} // namespace

TEST(may_open_socket, pages_of_this_service_and_of_configured_apps) {
  EXPECT_TRUE(may_open("")) << "no browser";
  EXPECT_TRUE(may_open("https://mana.example"));
  EXPECT_TRUE(may_open("https://app.example"));
  EXPECT_TRUE(may_open("http://mana.test")) << "the host that was called";
  EXPECT_TRUE(may_open("http://127.0.0.1:3067", "127.0.0.1:3067"));
}

TEST(may_open_socket, no_others) {
  for (auto* origin : {"https://evil.example", "https://mana.example.evil.example", "null", "https://mana.example:8443",
                       "mana.test", "http://mana.test:81", "https://mana.example/app"})
    EXPECT_FALSE(may_open(origin)) << origin;
  EXPECT_FALSE(may_open("http://", ""));
}
