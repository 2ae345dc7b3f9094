#include "http/vault_routes.hpp"

#include "infra/json/value.hpp"

#include <gtest/gtest.h>

using namespace mana;
using namespace mana::http;

namespace {

struct taken {
  std::string key; // `-`: none
  std::string body;
};
taken take(std::string body) {
  auto key = take_key(body, "masterKey");
  return {key ? std::string{key->view()} : "-", body};
}

TEST(take_key, leaves_blanks_where_the_key_was) {
  auto [key, body] = take(R"({"enable":false,"masterKey":"c2VjcmV0"})");
  EXPECT_EQ(key, "c2VjcmV0");
  EXPECT_EQ(body, R"({"enable":false,"masterKey":"        "})");
}

TEST(take_key, knows_json_with_blanks_and_escaped_slashes) {
  auto [key, body] = take("{ \"masterKey\" :\n\t\"a\\/b+\\/\" }");
  EXPECT_EQ(key, "a/b+/");
  EXPECT_EQ(body, "{ \"masterKey\" :\n\t\"       \" }");
}

TEST(take_key, takes_nothing_else) {
  for (std::string body : {R"({})", R"({"masterKey":5})", R"({"masterKey":null,"x":"y"})", R"({"x":"masterKey"})",
                           R"({"masterKey")", R"({"masterKey":)", R"({"masterKey":"abc)"}) {
    auto t = take(body);
    EXPECT_EQ(t.key, "-") << body;
    EXPECT_EQ(t.body, body);
  }
}

TEST(take_key, gives_no_key_that_is_written_with_escapes_and_still_removes_it) {
  for (std::string body : {R"({"masterKey":"\u0061bc"})", R"({"masterKey":"ab\"cd"})"}) {
    auto t = take(body);
    EXPECT_EQ(t.key, "-") << body;
    EXPECT_EQ(t.body.find("bc"), std::string::npos);
  }
}

} // namespace
