#include "actors/planner/text.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

TEST(text, counts_code_points_not_bytes) {
  EXPECT_EQ(count_code_points(""), 0u);
  EXPECT_EQ(count_code_points("abc"), 3u);
  EXPECT_EQ(count_code_points("äö€😀"), 4u);
}

TEST(text, cuts_behind_the_last_code_point_that_fits) {
  EXPECT_EQ(cut_text("äöü", 3), "äöü");
  EXPECT_EQ(cut_text("äöü", 2), "äö…");
  EXPECT_EQ(cut_text("a😀b", 2), "a😀…");
  EXPECT_EQ(cut_text("abc", 0), "…");
  EXPECT_EQ(cut_text("", 0), "");
}

TEST(text, every_cut_of_every_length_is_whole) {
  std::string_view s = "aä€😀z";
  for (std::size_t n = 0; n < 5; ++n)
    EXPECT_EQ(count_code_points(cut_text(s, n)), n + 1) << n;
  EXPECT_EQ(cut_text(s, 5), s);
}

TEST(text, invalid_bytes_become_replacement_characters) {
  EXPECT_EQ(cut_text("a\xFFz", 9), "a\xEF\xBF\xBDz");
  EXPECT_EQ(cut_text("\xC3", 9), "\xEF\xBF\xBD");                                                 // ends early
  EXPECT_EQ(cut_text("\xE2\x82", 9), "\xEF\xBF\xBD\xEF\xBF\xBD");                                 // ends early
  EXPECT_EQ(cut_text("\xC0\xAF", 9), "\xEF\xBF\xBD\xEF\xBF\xBD");                                 // overlong
  EXPECT_EQ(cut_text("\xED\xA0\x80", 9), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");                 // a surrogate
  EXPECT_EQ(cut_text("\xF4\x90\x80\x80", 9), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // above U+10FFFF
  EXPECT_EQ(cut_text("\xC3(", 1), "\xEF\xBF\xBD…");
}

TEST(text, blank_is_white_space_of_any_script) {
  EXPECT_TRUE(is_blank(""));
  EXPECT_TRUE(is_blank(" \t\r\n"));
  EXPECT_TRUE(is_blank("\u00A0\u2003\u3000\uFEFF"));
  EXPECT_FALSE(is_blank(" x "));
  EXPECT_FALSE(is_blank("\xFF"));
}

TEST(text, one_line_folds_white_space_and_controls) {
  EXPECT_EQ(one_line("  a\r\n\tb\x01 c\u2028d  "), "a b c d");
  EXPECT_EQ(one_line(" \n "), "");
  EXPECT_EQ(one_line("ä\xFF"), "ä\xEF\xBF\xBD");
}

TEST(text, knows_encrypted_values) {
  EXPECT_TRUE(is_encrypted("enc:1:abc.def"));
  EXPECT_TRUE(is_encrypted("enc:2:"));
  EXPECT_FALSE(is_encrypted("enc:3:abc"));
  EXPECT_FALSE(is_encrypted(" enc:1:abc"));
}

} // namespace
} // namespace mana
