#include "messages/timestamp.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono;

TEST(timestamp, is_written_with_milliseconds) {
  EXPECT_EQ(to_iso(timestamp{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso(timestamp{milliseconds{1'776'247'200'123}}), "2026-04-15T10:00:00.123Z");
  EXPECT_EQ(to_iso(timestamp{milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(timestamp, is_clamped_to_four_digit_years) {
  EXPECT_EQ(to_iso(timestamp::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_iso(timestamp::min()), "0000-01-01T00:00:00.000Z");
}

TEST(timestamp, round_trips) {
  for (auto* text : {"0000-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2024-02-29T12:34:56.789Z",
                     "9999-12-31T23:59:59.999Z"}) {
    auto t = parse_iso(text);
    ASSERT_TRUE(t) << text;
    EXPECT_EQ(to_iso(*t), text);
  }
}

TEST(timestamp, accepts_any_fraction_and_cuts_it) {
  auto ms = [](const char* text) {
    auto t = parse_iso(text);
    return t ? t->time_since_epoch().count() : -1;
  };
  EXPECT_EQ(ms("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ms("1970-01-01T00:00:00.5Z"), 500);
  EXPECT_EQ(ms("1970-01-01T00:00:00.05Z"), 50);
  EXPECT_EQ(ms("1970-01-01T00:00:00.123999Z"), 123);
  EXPECT_EQ(ms("1970-01-01T00:00:00.123999999Z"), 123);
}

TEST(timestamp, rejects_everything_else) {
  for (auto* text : {"",
                     "Z",
                     "2026",
                     "2026-04-15",
                     "2026-04-15T10:00Z",
                     "2026-04-15T10:00:00",
                     "2026-04-15T10:00:00.Z",
                     "2026-04-15T10:00:00.1234567890Z",
                     "2026-04-15 10:00:00Z",
                     "2026-04-15t10:00:00Z",
                     "2026-04-15T10:00:00z",
                     "2026-04-15T10:00:00+00:00",
                     "2026-04-15T10:00:00Z ",
                     " 2026-04-15T10:00:00Z",
                     "2026-4-15T10:00:00Z",
                     "+2026-04-15T10:00:00Z",
                     "-026-04-15T10:00:00Z",
                     "12026-04-15T10:00:00Z",
                     "2026-13-01T00:00:00Z",
                     "2026-00-01T00:00:00Z",
                     "2026-02-29T00:00:00Z",
                     "2026-04-31T00:00:00Z",
                     "2026-04-00T00:00:00Z",
                     "2026-04-15T24:00:00Z",
                     "2026-04-15T10:60:00Z",
                     "2026-04-15T10:00:60Z",
                     "2026-04-15T1a:00:00Z",
                     "2026-04-15T10:00:00.12a",
                     "2026-04-15T10:00:00.-12Z",
                     "2026-04-15T10:00:00.",
                     "2026-04-15T10:00:00.999"})
    EXPECT_FALSE(parse_iso(text)) << text;
}

TEST(timestamp, sorts_as_text_in_time_order) {
  auto early = timestamp{milliseconds{999}};
  for (auto step : {milliseconds{1}, milliseconds{86'400'000}, milliseconds{31'536'000'000}})
    EXPECT_LT(to_iso(early), to_iso(early + step));
}

} // namespace
} // namespace mana
