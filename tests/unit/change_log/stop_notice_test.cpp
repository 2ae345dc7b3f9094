#include "actors/change_log/stop_notice.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

TEST(stop_notice, names_a_grant_or_a_user) {
  auto grant = parse_stop_notice("grant:0123456789abcdef0123456789abcdef");
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->by, stop_runs::whose::grant);
  EXPECT_EQ(grant->fingerprint, "0123456789abcdef0123456789abcdef");
  auto user = parse_stop_notice("user:" + std::string(64, 'a'));
  ASSERT_TRUE(user);
  EXPECT_EQ(user->by, stop_runs::whose::user);
  EXPECT_EQ(user->fingerprint, std::string(64, 'a'));
}

TEST(stop_notice, anything_else_is_none) {
  for (auto& text :
       {std::string{}, std::string{"grant:"}, "grant:" + std::string(31, 'a'), "grant:" + std::string(33, 'a'),
        "grant:" + std::string(32, 'A'), "grant:" + std::string(31, 'a') + "g", "user:" + std::string(32, 'a'),
        "grant:" + std::string(64, 'a'), " grant:" + std::string(32, 'a'), "grant:" + std::string(32, 'a') + "\n",
        std::string(7000, 'a')})
    EXPECT_FALSE(parse_stop_notice(text)) << text.substr(0, 80);
}

} // namespace
} // namespace mana
