#include "http/server/target.hpp"

#include <gtest/gtest.h>

using namespace mana;
using namespace mana::http;

namespace {

using strings = std::vector<std::string>;

TEST(target, is_split_into_decoded_segments) {
  auto t = parse_target("/internal/missions/a%2Fb%C3%A4");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->segments, (strings{"internal", "missions", "a/b\xC3\xA4"}));
  EXPECT_EQ(t->path, "/internal/missions/a/b\xC3\xA4");
  EXPECT_TRUE(t->query.empty());
}

TEST(target, keeps_empty_segments) {
  EXPECT_EQ(parse_target("/")->segments, strings{""});
  EXPECT_EQ(parse_target("/a/")->segments, (strings{"a", ""}));
  EXPECT_EQ(parse_target("//a")->segments, (strings{"", "a"}));
}

TEST(target, has_a_decoded_query) {
  auto t = parse_target("/x?a=1&b=%26+y%3D&c&=d&a=2&&e=f=g");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->query, (std::map<std::string, std::string>{{"a", "2"}, {"b", "& y="}, {"c", ""}, {"e", "f=g"}}));
  EXPECT_EQ(parse_target("/a+b?")->path, "/a+b");
}

TEST(target, accepts_absolute_and_asterisk_form) {
  EXPECT_EQ(parse_target("http://host:1/x/y?z=1")->path, "/x/y");
  EXPECT_EQ(parse_target("*")->path, "*");
  EXPECT_TRUE(parse_target("*")->segments.empty());
}

TEST(target, is_rejected_when_it_is_not_one) {
  for (std::string raw : {"", "x", "?a=b", "http://host", "host:80", "/%", "/%4", "/%4g", "/%g4", "/a%00b", "/%ff",
                          "/%c3", "/x?a=%", "/x?%00=1", "/x?a=%C3%28", "/\xFF"}) {
    auto t = parse_target(raw);
    ASSERT_FALSE(t) << raw;
    EXPECT_EQ(t.error().code, errc::bad_request) << raw;
  }
  EXPECT_FALSE(parse_target(std::string_view{"/a\0b", 4}));
}

} // namespace
