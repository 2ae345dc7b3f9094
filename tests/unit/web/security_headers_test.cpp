#include "http/web/security_headers.hpp"

#include <gtest/gtest.h>

using namespace mana::http;

namespace {

// The whole text, so that nothing is loosened unseen.
TEST(security_headers, allow_what_comes_from_the_service_and_nothing_inline) {
  EXPECT_EQ(content_security_policy("", {}),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'");
}

std::string connect_src(std::string_view host, const std::vector<std::string>& origins = {}) {
  auto policy = content_security_policy(host, origins);
  auto begin = policy.find("connect-src");
  return policy.substr(begin, policy.find(';', begin) - begin);
}

TEST(security_headers, allow_connections_to_the_same_host_and_to_configured_origins) {
  EXPECT_EQ(connect_src("localhost:3067"), "connect-src 'self' ws://localhost:3067 wss://localhost:3067");
  EXPECT_EQ(connect_src("[::1]:80"), "connect-src 'self' ws://[::1]:80 wss://[::1]:80");
  EXPECT_EQ(connect_src("", {"https://auth.example", "wss://sync.example:8443"}),
            "connect-src 'self' https://auth.example wss://sync.example:8443");
}

TEST(security_headers, let_no_host_header_change_the_policy) {
  for (auto* host : {"a; script-src *", "a b", "a,b", "*", "a/", "'unsafe-inline'", "a\r\nX: y", "\xC3\xA4"})
    EXPECT_EQ(connect_src(host), "connect-src 'self'") << host;
  EXPECT_EQ(connect_src(std::string(300, 'a')), "connect-src 'self'");
}

TEST(security_headers, are_complete) {
  std::vector<std::string> names;
  for (auto& [name, value] : security_headers("h", {}))
    names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"Content-Security-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy",
                                             "Cross-Origin-Resource-Policy", "Permissions-Policy"}));
}

} // namespace
