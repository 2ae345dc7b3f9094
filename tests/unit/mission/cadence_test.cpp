#include "actors/mission/cadence.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

timestamp at(std::string_view iso) {
  auto t = parse_iso(iso);
  EXPECT_TRUE(t) << iso;
  return t.value_or(timestamp{});
}

// The next run as text; `none`, or the detail of the error.
std::string next(std::string_view cadence, std::string_view from, std::string_view zone = "UTC") {
  auto t = next_run(from_text(cadence), at(from), zone);
  if (!t) {
    EXPECT_EQ(t.error().code, errc::cadence_invalid);
    return t.error().detail;
  }
  return *t ? to_iso(**t) : "none";
}

std::string cron(std::string_view expression, std::string_view from, std::string_view zone = "UTC") {
  return next(json::to_text(json::object{{"kind", "cron"}, {"expression", expression}}), from, zone);
}

bool starts(const std::string& text, std::string_view with) { return text.starts_with(with); }

TEST(cadence, agrees_with_the_vectors) {
  auto vectors = test_vectors("cadence");
  ASSERT_NE(vectors.find("cases"), nullptr);
  std::size_t checked = 0;
  for (auto& c : *vectors.find("cases")->as_array())
    for (auto& [zone, expected] : *c.find("next")->as_object()) {
      auto t = next_run(*c.find("cadence"), at(c.text("from")), zone);
      ASSERT_TRUE(t) << t.error().detail;
      EXPECT_EQ(*t ? json::value{to_iso(**t)} : json::value{}, expected) << json::to_text(c) << zone;
      ++checked;
    }
  EXPECT_EQ(checked, 48u);
}

TEST(cadence, counts_short_intervals_as_five_minutes) {
  for (auto* every : {"4.99", "1", "0.0001", "5", "5.0"})
    EXPECT_EQ(next(R"({"kind":"interval","everyMinutes":)" + std::string{every} + "}", "2026-04-14T10:00:00Z"),
              "2026-04-14T10:05:00.000Z");
  EXPECT_EQ(next(R"({"kind":"interval","everyMinutes":527040})", "2026-01-01T00:00:00Z"), "2027-01-02T00:00:00.000Z");
}

TEST(cadence, refuses_wild_intervals) {
  for (auto* every : {"0", "-5", "527040.5", "1e300", "1e999", "null", "\"60\"", "true", "[]"})
    EXPECT_TRUE(starts(next(R"({"kind":"interval","everyMinutes":)" + std::string{every} + "}", "2026-04-14T10:00:00Z"),
                       "cadence.everyMinutes: "))
        << every;
  EXPECT_TRUE(starts(next(R"({"kind":"interval"})", "2026-04-14T10:00:00Z"), "cadence.everyMinutes: "));
}

TEST(cadence, names_the_field_that_is_wrong) {
  auto detail = [](std::string_view cadence) { return next(cadence, "2026-04-14T10:00:00Z", "Europe/Berlin"); };
  for (auto* bad : {"24", "-1", "9.5", "\"9\"", "null", "1e99"}) {
    std::string value{bad};
    EXPECT_TRUE(starts(detail(R"({"kind":"daily","atMinute":0,"atHour":)" + value + "}"), "cadence.atHour: ")) << bad;
    EXPECT_TRUE(starts(detail(R"({"kind":"weekly","dayOfWeek":1,"atHour":)" + value + "}"), "cadence.atHour: ")) << bad;
  }
  EXPECT_TRUE(starts(detail(R"({"kind":"daily","atHour":9})"), "cadence.atMinute: "));
  EXPECT_TRUE(starts(detail(R"({"kind":"daily","atHour":9,"atMinute":60})"), "cadence.atMinute: "));
  EXPECT_TRUE(starts(detail(R"({"kind":"weekly","dayOfWeek":7,"atHour":9})"), "cadence.dayOfWeek: "));
  EXPECT_TRUE(starts(detail(R"({"kind":"weekly","atHour":9})"), "cadence.dayOfWeek: "));
  EXPECT_TRUE(starts(detail(R"({"kind":"weekly","dayOfWeek":1,"atHour":9,"atMinute":-1})"), "cadence.atMinute: "));
  EXPECT_TRUE(starts(detail(R"({"kind":"hourly"})"), "cadence.kind: "));
  EXPECT_TRUE(starts(detail(R"({"kind":7})"), "cadence.kind: "));
  EXPECT_TRUE(starts(detail("{}"), "cadence.kind: "));
  EXPECT_TRUE(starts(detail("null"), "cadence: "));
  EXPECT_TRUE(starts(detail("[]"), "cadence: "));
  EXPECT_TRUE(starts(detail(R"({"kind":"cron"})"), "cadence.expression: "));
}

TEST(cadence, refuses_unknown_zones_where_they_matter) {
  for (std::string zone : {"", "Mars/Base", "europe/berlin", "../../etc/passwd", "UTC\n", "/etc/passwd"}) {
    EXPECT_EQ(next(R"({"kind":"daily","atHour":9,"atMinute":0})", "2026-04-14T10:00:00Z", zone), "timeZone: unknown");
    EXPECT_EQ(next(R"({"kind":"weekly","dayOfWeek":1,"atHour":9})", "2026-04-14T10:00:00Z", zone), "timeZone: unknown");
    EXPECT_EQ(cron("0 9 * * *", "2026-04-14T10:00:00Z", zone), "timeZone: unknown");
    EXPECT_EQ(next(R"({"kind":"manual"})", "2026-04-14T10:00:00Z", zone), "none");
  }
  EXPECT_EQ(next(R"({"kind":"daily","atHour":9,"atMinute":0})", "2026-04-14T10:00:00Z", std::string(100'000, 'x')),
            "timeZone: unknown");
}

TEST(cadence, takes_whole_numbers_in_any_notation_and_an_optional_minute) {
  EXPECT_EQ(next(R"({"kind":"daily","atHour":9.0,"atMinute":1e1})", "2026-04-14T07:00:00Z"),
            "2026-04-14T09:10:00.000Z");
  EXPECT_EQ(next(R"({"kind":"weekly","dayOfWeek":2,"atHour":9,"atMinute":45})", "2026-04-14T09:44:59.999Z"),
            "2026-04-14T09:45:00.000Z");
  EXPECT_EQ(next(R"({"kind":"weekly","dayOfWeek":2,"atHour":9,"atMinute":45})", "2026-04-14T09:45:00Z"),
            "2026-04-21T09:45:00.000Z");
}

TEST(cadence, survives_a_day_that_a_zone_skipped) { // Samoa had no 30 December 2011
  EXPECT_EQ(next(R"({"kind":"daily","atHour":9,"atMinute":0})", "2011-12-29T20:00:00Z", "Pacific/Apia"),
            "2011-12-30T19:00:00.000Z");
  EXPECT_EQ(cron("0 9 30 12 *", "2011-12-29T20:00:00Z", "Pacific/Apia"), "2011-12-30T19:00:00.000Z");
  EXPECT_EQ(cron("0 9 30 12 *", "2011-12-30T10:30:00Z", "Pacific/Apia"), "2011-12-30T19:00:00.000Z");
}

TEST(cadence, counts_the_next_slot_from_the_slot) {
  auto slot = [](std::string_view cadence, std::string_view from, std::string_view now) {
    auto t = next_slot(from_text(cadence), at(from), at(now), "UTC");
    return !t ? t.error().detail : *t ? to_iso(**t) : "none";
  };
  auto* hourly = R"({"kind":"interval","everyMinutes":60})";
  EXPECT_EQ(slot(hourly, "2026-04-14T10:00:00Z", "2026-04-14T10:00:42Z"), "2026-04-14T11:00:00.000Z");
  EXPECT_EQ(slot(hourly, "2026-04-14T10:00:00Z", "2026-04-14T11:00:00Z"), "2026-04-14T12:00:00.000Z");
  EXPECT_EQ(slot(hourly, "2026-04-14T10:00:00Z", "2026-04-17T03:12:00Z"), "2026-04-17T04:12:00.000Z");
  EXPECT_EQ(slot(R"({"kind":"daily","atHour":9,"atMinute":0})", "2026-04-14T09:00:00Z", "2026-04-17T08:00:00Z"),
            "2026-04-17T09:00:00.000Z");
  EXPECT_EQ(slot(R"({"kind":"manual"})", "2026-04-14T09:00:00Z", "2026-04-17T08:00:00Z"), "none");
  EXPECT_EQ(slot(R"({"kind":"x"})", "2026-04-14T09:00:00Z", "2026-04-17T08:00:00Z"), "cadence.kind: unknown");
}

TEST(cron, matches_lists_ranges_steps_and_names) {
  auto* from = "2026-04-14T10:07:30.500Z"; // a Tuesday
  EXPECT_EQ(cron("* * * * *", from), "2026-04-14T10:08:00.000Z");
  EXPECT_EQ(cron("*/15 * * * *", from), "2026-04-14T10:15:00.000Z");
  EXPECT_EQ(cron("5/20 * * * *", from), "2026-04-14T10:25:00.000Z");
  EXPECT_EQ(cron("0,30 8-9,12 * * *", from), "2026-04-14T12:00:00.000Z");
  EXPECT_EQ(cron("10-20/5 10 * * *", from), "2026-04-14T10:10:00.000Z");
  EXPECT_EQ(cron("0 9 * * mon-fri", "2026-04-17T09:00:00Z"), "2026-04-20T09:00:00.000Z");
  EXPECT_EQ(cron("0 9 * * SAT", from), "2026-04-18T09:00:00.000Z");
  EXPECT_EQ(cron("0 0 1 Jan,jul *", from), "2026-07-01T00:00:00.000Z");
  EXPECT_EQ(cron("\t0   9 * *  1 ", from), "2026-04-20T09:00:00.000Z");
  EXPECT_EQ(cron("7 10 * * *", "2026-04-14T10:07:00Z"), "2026-04-15T10:07:00.000Z");
}

TEST(cron, knows_sunday_as_0_and_7) {
  auto* from = "2026-04-14T10:00:00Z";
  for (auto* sunday : {"0", "7", "sun", "sun,7"})
    EXPECT_EQ(cron(std::string{"0 9 * * "} + sunday, from), "2026-04-19T09:00:00.000Z") << sunday;
  for (auto* weekend : {"6-7", "6-0", "sat-sun", "0,6"}) {
    EXPECT_EQ(cron(std::string{"0 9 * * "} + weekend, from), "2026-04-18T09:00:00.000Z") << weekend;
    EXPECT_EQ(cron(std::string{"0 9 * * "} + weekend, "2026-04-18T09:00:00Z"), "2026-04-19T09:00:00.000Z") << weekend;
  }
}

TEST(cron, takes_either_day_when_both_are_restricted) {
  auto* from = "2026-04-14T10:00:00Z";
  EXPECT_EQ(cron("0 0 20 * fri", from), "2026-04-17T00:00:00.000Z");
  EXPECT_EQ(cron("0 0 16 * fri", from), "2026-04-16T00:00:00.000Z");
  EXPECT_EQ(cron("0 0 * * fri", from), "2026-04-17T00:00:00.000Z");
  EXPECT_EQ(cron("0 0 20 * *", from), "2026-04-20T00:00:00.000Z");
  EXPECT_EQ(cron("0 0 */2 * fri", from), "2026-04-17T00:00:00.000Z"); // `*/2` restricts nothing: odd days and Fridays
  EXPECT_EQ(cron("0 0 */2 * fri", "2026-04-17T00:00:00Z"), "2026-05-01T00:00:00.000Z");
}

TEST(cron, finds_leap_days_and_gives_up_on_days_that_never_come) {
  EXPECT_EQ(cron("0 0 29 2 *", "2026-04-14T10:00:00Z"), "2028-02-29T00:00:00.000Z");
  EXPECT_EQ(cron("0 0 29 2 *", "2096-02-29T00:00:00Z"), "2104-02-29T00:00:00.000Z");
  EXPECT_EQ(cron("0 0 30 2 *", "2026-04-14T10:00:00Z"), "cadence.expression: never comes true");
  EXPECT_EQ(cron("0 0 31 4,6,9,11 *", "2026-04-14T10:00:00Z"), "cadence.expression: never comes true");
}

TEST(cron, refuses_what_is_no_expression) {
  for (auto* bad : {"",
                    "* * * *",
                    "* * * * * *",
                    "60 * * * *",
                    "* 24 * * *",
                    "* * 0 * *",
                    "* * 32 * *",
                    "* * * 0 *",
                    "* * * 13 *",
                    "* * * * 8",
                    "*/0 * * * *",
                    "*/ * * * *",
                    "5- * * * *",
                    "-5 * * * *",
                    "9-5 * * * *",
                    "1,,2 * * * *",
                    ", * * * *",
                    "1, * * * *",
                    "a * * * *",
                    "* * * foo *",
                    "* * mon * *",
                    "* * * * jan",
                    "* * * * fri-mon",
                    "1-2-3 * * * *",
                    "1/2/3 * * * *",
                    "** * * * *",
                    "* * * * L",
                    "1.5 * * * *",
                    "@daily",
                    "100 * * * *",
                    "*-5 * * * *",
                    "? * * * *",
                    "* * * janu *"})
    EXPECT_TRUE(starts(cron(bad, "2026-04-14T10:00:00Z"), "cadence.expression: ")) << bad;
  EXPECT_TRUE(starts(cron(std::string(1'000'000, '*'), "2026-04-14T10:00:00Z"), "cadence.expression: longer"));
  EXPECT_EQ(cron("* * * 13 *", "2026-04-14T10:00:00Z"), "cadence.expression: bad month");
}

TEST(cron, moves_skipped_times_forward) { // Berlin skips 02:00 to 03:00 on 29 March 2026 at 01:00 UTC
  auto berlin = [](const char* expression, const char* from) { return cron(expression, from, "Europe/Berlin"); };
  EXPECT_EQ(berlin("30 2 * * *", "2026-03-28T12:00:00Z"), "2026-03-29T01:30:00.000Z");
  EXPECT_EQ(berlin("30 2 * * *", "2026-03-29T01:00:00Z"), "2026-03-29T01:30:00.000Z");
  EXPECT_EQ(berlin("30 2 * * *", "2026-03-29T01:20:00Z"), "2026-03-29T01:30:00.000Z");
  EXPECT_EQ(berlin("30 2 * * *", "2026-03-29T01:30:00Z"), "2026-03-30T00:30:00.000Z");
  // Of 02:45, moved to 03:45, and 03:30 the latter comes first.
  EXPECT_EQ(berlin("30,45 2-3 * * *", "2026-03-29T01:10:00Z"), "2026-03-29T01:30:00.000Z");
  EXPECT_EQ(berlin("45 2 * * *", "2026-03-29T01:40:00Z"), "2026-03-29T01:45:00.000Z");
}

TEST(cron, takes_the_first_of_two_equal_times) { // Berlin repeats 02:00 to 03:00 on 25 October 2026 at 01:00 UTC
  auto berlin = [](const char* from) { return cron("30 2 * * *", from, "Europe/Berlin"); };
  EXPECT_EQ(berlin("2026-10-24T12:00:00Z"), "2026-10-25T00:30:00.000Z");
  EXPECT_EQ(berlin("2026-10-25T00:30:00Z"), "2026-10-26T01:30:00.000Z");
  EXPECT_EQ(berlin("2026-10-25T01:10:00Z"), "2026-10-26T01:30:00.000Z");
}

// Around every kind of clock change: strictly after `from`, and never going back.
TEST(cadence, is_always_later_and_never_skips_back) {
  const char* cadences[] = {
      R"({"kind":"daily","atHour":0,"atMinute":30})", R"({"kind":"daily","atHour":2,"atMinute":15})",
      R"({"kind":"weekly","dayOfWeek":0,"atHour":2})", R"({"kind":"cron","expression":"*/20 * * * *"})",
      R"({"kind":"cron","expression":"10,50 0-3 * * sun"})"};
  struct span {
    const char* zone;
    const char* from;
  } spans[] = {{"Europe/Berlin", "2026-03-28T00:00:00Z"},       {"Europe/Berlin", "2026-10-24T00:00:00Z"},
               {"Australia/Lord_Howe", "2026-04-04T00:00:00Z"}, {"Australia/Lord_Howe", "2026-10-03T00:00:00Z"},
               {"America/Santiago", "2026-04-04T00:00:00Z"},    {"America/Santiago", "2026-09-05T00:00:00Z"},
               {"America/Havana", "2026-11-01T00:00:00Z"},      {"Asia/Kathmandu", "2026-01-01T00:00:00Z"}};
  for (auto& [zone, start] : spans)
    for (auto* cadence : cadences) {
      auto parsed = from_text(cadence);
      timestamp last{};
      for (int quarter = 0; quarter < 3 * 96; ++quarter) {
        auto from = at(start) + std::chrono::minutes{15 * quarter};
        auto t = next_run(parsed, from, zone);
        ASSERT_TRUE(t && *t) << zone << cadence;
        ASSERT_GT(**t, from) << zone << cadence;
        if (!parsed.text("kind").starts_with("cron"))
          continue;
        ASSERT_GE(**t, last) << zone << cadence << to_iso(from);
        last = **t;
      }
    }
}

} // namespace
} // namespace mana
