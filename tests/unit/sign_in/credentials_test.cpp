#include "actors/sign_in/credentials.hpp"
#include "http/sign_in_routes.hpp"

#include <gtest/gtest.h>

using namespace mana;

TEST(credentials, a_name_loses_the_blanks_at_its_ends) {
  auto name = checked_name("  Ada Lovelace ");
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, "Ada Lovelace");
}

TEST(credentials, a_name_has_1_to_64_characters_that_are_no_controls) {
  std::string umlauts;
  for (std::size_t i = 0; i < max_name_characters; ++i)
    umlauts += "ü";
  EXPECT_TRUE(checked_name(umlauts));
  for (auto& name : {std::string{}, std::string{"   "}, umlauts + "x", std::string{"a\nb"}, std::string{"a\0b", 3},
                     std::string{"a\x7f"}}) {
    auto checked = checked_name(name);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, errc::bad_request);
    EXPECT_EQ(checked.error().detail.substr(0, 5), "name:");
  }
}

TEST(credentials, a_password_has_8_to_200_bytes) {
  EXPECT_FALSE(wrong_password_form(std::string(8, 'x')));
  EXPECT_FALSE(wrong_password_form(std::string(200, 'x')));
  EXPECT_TRUE(wrong_password_form(std::string(7, 'x')));
  EXPECT_TRUE(wrong_password_form(std::string(201, 'x')));
}

TEST(credentials, attempts_of_one_ipv6_network_count_together) {
  EXPECT_EQ(limited_address("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limited_address("2001:db8:1:2:3:4:5:6"), limited_address("2001:db8:1:2:ffff::1"));
  EXPECT_NE(limited_address("2001:db8:1:2::1"), limited_address("2001:db8:1:3::1"));
  EXPECT_EQ(limited_address("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limited_address(""), "");
}

TEST(credentials, are_read_strictly_from_a_body_that_is_then_wiped) {
  std::string body = R"({"name":"ada","password":"correct horse"})";
  auto given = http::take_credentials(body);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->name, "ada");
  EXPECT_EQ(given->password->view(), "correct horse");
  EXPECT_EQ(body.find("horse"), std::string::npos);
}

TEST(credentials, what_is_wrong_with_a_body_is_named_but_not_quoted) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "the body is not JSON"},
      {"{", "the body is not JSON"},
      {"[]", "the body is not a JSON object"},
      {"\"secret\"", "the body is not a JSON object"},
      {"{}", "name: is missing"},
      {R"({"name":"a"})", "password: is missing"},
      {R"({"name":1,"password":"secret12"})", "name: must be a text"},
      {R"({"name":"a","password":["secret12"]})", "password: must be a text"},
      {R"({"name":"a","password":null})", "password: must be a text"},
      {R"({"name":"a","password":"secret12","admin":true})", "the body has members besides name and password"},
  };
  for (auto& [text, why] : cases) {
    auto body = text;
    auto given = http::take_credentials(body);
    ASSERT_FALSE(given) << text;
    EXPECT_EQ(given.error().code, errc::bad_request);
    EXPECT_EQ(given.error().detail, why);
  }
}

TEST(cookies, one_is_found_by_its_whole_name) {
  http::request r;
  r.headers["cookie"] = "other=1; xmana_refresh=2; mana_refresh=token; mana_refresh2=3";
  EXPECT_EQ(http::cookie_of(r, "mana_refresh"), "token");
  EXPECT_EQ(http::cookie_of(r, "mana"), "");
  EXPECT_EQ(http::cookie_of({}, "mana_refresh"), "");
}

TEST(origins, are_scheme_host_and_port_of_a_url) {
  EXPECT_EQ(http::origin_of("https://mana.test/app"), "https://mana.test");
  EXPECT_EQ(http::origin_of("http://localhost:3067"), "http://localhost:3067");
}
