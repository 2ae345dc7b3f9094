#include "infra/http_client/url.hpp"

#include <gtest/gtest.h>

namespace mana::net {
namespace {

TEST(url, parts) {
  struct {
    const char* text;
    origin expected;
    const char* host;
  } cases[] = {
      {"http://localhost", {false, "localhost", 80, ""}, "localhost"},
      {"https://llm.example", {true, "llm.example", 443, ""}, "llm.example"},
      {"HTTPS://LLM.Example:8443/V1/", {true, "llm.example", 8443, "/V1"}, "llm.example:8443"},
      {"http://127.0.0.1:80/", {false, "127.0.0.1", 80, ""}, "127.0.0.1"},
      {"http://a_b-c.d:1/x/y", {false, "a_b-c.d", 1, "/x/y"}, "a_b-c.d:1"},
      {"http://[::1]:8080/base", {false, "::1", 8080, "/base"}, "[::1]:8080"},
      {"http://[fe80::1]", {false, "fe80::1", 80, ""}, "[fe80::1]"},
      {"http://h:443", {false, "h", 443, ""}, "h:443"},
  };
  for (const auto& c : cases) {
    auto o = parse_url(c.text);
    ASSERT_TRUE(o) << c.text;
    EXPECT_EQ(*o, c.expected) << c.text;
    EXPECT_EQ(host_header(*o), c.host);
  }
}

TEST(url, refused) {
  for (auto text : {"",
                    "localhost",
                    "ftp://x",
                    "http:/x",
                    "http://",
                    "http:///path",
                    "https://:443",
                    "http://h:",
                    "http://h:0",
                    "http://h:65536",
                    "http://h:-1",
                    "http://h:8a",
                    "http://u:secret@h",
                    "http://h ost",
                    "http://h\r\nX: y",
                    "http://h/a b",
                    "http://h/a?secret=1",
                    "http://h/#f",
                    "http://h/\x01",
                    "http://[::1",
                    "http://[nonsense]",
                    "http://[::1]x",
                    "http://[::1]:",
                    "http://h\xc3\xa4/"}) {
    auto o = parse_url(text);
    ASSERT_FALSE(o) << text;
    EXPECT_EQ(o.error().code, errc::config_invalid);
    EXPECT_EQ(o.error().detail.find("secret"), std::string::npos);
  }
  EXPECT_FALSE(parse_url("http://" + std::string(300, 'h')));
  EXPECT_FALSE(parse_url("http://h/" + std::string(3000, 'p')));
}

TEST(url, addresses_and_names) {
  EXPECT_TRUE(is_address("127.0.0.1"));
  EXPECT_TRUE(is_address("::1"));
  EXPECT_FALSE(is_address("localhost"));
  EXPECT_FALSE(is_address("1.2.3"));
}

} // namespace
} // namespace mana::net
