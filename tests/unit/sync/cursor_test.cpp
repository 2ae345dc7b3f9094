#include "actors/change_puller/cursor.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace mana;

namespace {

constexpr auto id_a = "00000000-0000-4000-8000-00000000000a";
constexpr auto id_b = "00000000-0000-4000-8000-00000000000b";

log_cursor at(log_position floor, std::optional<log_position> ahead = std::nullopt) {
  return {"0123abcd", "89abcdef", std::move(floor), std::move(ahead)};
}
log_position row(std::uint64_t transaction, std::int64_t us, const char* id = id_a) { return {transaction, us, id}; }
log_position before(std::uint64_t transaction) { return {transaction, std::nullopt, {}}; }

} // namespace

TEST(cursor, survives_its_text) {
  for (auto& c : {at(before(0)), at(before(18'446'744'073'709'551'615u)), at(row(7, 1'700'000'000'000'001)),
                  at(row(7, -5)), at(row(7, 1), row(9, 1, id_b)), at(before(7), row(7, 1))}) {
    auto text = to_text(c);
    auto read = parse_cursor(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, c) << text;
    EXPECT_EQ(text.find_first_not_of("0123456789abcdefc-.~"), std::string::npos) << "no escapes in a URL: " << text;
  }
}

TEST(cursor, anything_else_is_none) {
  auto good = to_text(at(row(7, 1), row(9, 1, id_b)));
  // A part of one may be another one, but none is read as what it is not.
  for (std::size_t n = 0; n < good.size(); ++n) {
    auto cut = good.substr(0, n);
    if (auto read = parse_cursor(cut)) {
      EXPECT_EQ(to_text(*read), cut);
    }
  }
  std::string head = "c1-0123abcd-89abcdef-";
  const std::vector<std::string> wrong{std::string{"c2-0123abcd-89abcdef-1"},
                                       head,
                                       head + "-1",
                                       head + "01",
                                       head + "1.2",
                                       head + "1.2." + "x",
                                       head + "1.02." + id_a,
                                       head + "18446744073709551616",
                                       head + "1~",
                                       head + "1.2." + id_a + "~1.1." + id_a,
                                       head + "1~2~3",
                                       "c1-0123ABCD-89abcdef-1",
                                       head + "1 ",
                                       std::string(400, '1')};
  for (auto& text : wrong)
    EXPECT_FALSE(parse_cursor(text)) << text;
}

TEST(since, is_empty_a_time_or_a_cursor_of_this_user_and_app) {
  auto scope = scope_of("u1", "todo");
  EXPECT_EQ(*parse_since("", scope), starting_point{});
  EXPECT_EQ(parse_since("1970-01-01T00:00:01.000Z", scope)->from_us, 1'000'000);
  auto own = at(row(7, 1));
  own.scope = scope;
  EXPECT_EQ(parse_since(to_text(own), scope)->cursor, own);
  for (auto& other : {scope_of("u2", "todo"), scope_of("u1", "notes"), scope_of("u1t", "odo")}) {
    auto refused = parse_since(to_text(own), other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_request);
    EXPECT_TRUE(refused.error().detail.starts_with("since: ")) << refused.error().detail;
  }
  EXPECT_FALSE(parse_since("yesterday", scope));
}

// -- the cursor behind a page -----------------------------------------------------------------------------

TEST(cursor_behind, a_full_page_below_the_horizon_stands_at_its_last_row) {
  EXPECT_EQ(cursor_behind(at(before(0)), {row(5, 1), true}, 9), at(row(5, 1)));
}

TEST(cursor_behind, the_last_page_stands_at_the_horizon) {
  EXPECT_EQ(cursor_behind(at(before(0)), {row(5, 1), false}, 9), at(before(9)));
  EXPECT_EQ(cursor_behind(at(row(5, 1)), {std::nullopt, false}, 9), at(before(9)));
}

TEST(cursor_behind, rows_beyond_the_horizon_do_not_move_it) {
  EXPECT_EQ(cursor_behind(at(row(5, 1)), {row(12, 1), false}, 9), at(before(9)));
}

TEST(cursor_behind, more_rows_beyond_the_horizon_than_a_page_holds_are_walked_through_and_come_again) {
  auto first = cursor_behind(at(row(5, 1)), {row(12, 1), true}, 9);
  EXPECT_EQ(first, at(before(9), row(12, 1)));
  EXPECT_EQ(first.position(), row(12, 1));
  // A row of transaction 10 may have become visible meanwhile, whatever the horizon is by now.
  auto second = cursor_behind(first, {row(14, 1), true}, 20);
  EXPECT_EQ(second, at(before(9), row(14, 1)));
  EXPECT_EQ(cursor_behind(second, {row(15, 1), false}, 20), at(before(9)));
  EXPECT_EQ(cursor_behind(second, {std::nullopt, false}, 20), at(before(9)));
}

TEST(cursor_behind, never_goes_back) {
  // A transaction id that is older than the cursor: the snapshot of a standby, or one that was taken first.
  EXPECT_EQ(cursor_behind(at(before(9)), {std::nullopt, false}, 7), at(before(9)));
  EXPECT_EQ(cursor_behind(at(row(9, 5)), {row(9, 6), true}, 7), at(row(9, 5), row(9, 6)));
}
