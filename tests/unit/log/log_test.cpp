#include "infra/log/log.hpp"

#include "infra/json/value.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace mana;

namespace {

const timestamp noon{1'700'000'000'123ms};

json::value parsed(const std::string& text) {
  auto v = json::parse(text);
  EXPECT_TRUE(v) << text;
  return v ? std::move(*v) : json::value{};
}

TEST(log_line, holds_time_level_event_and_typed_fields_in_this_order) {
  auto text = log::line(noon, log::level::info, "run_finished",
                        {{"user", user_id{"u1"}},
                         {"mission", mission_id{"m1"}},
                         {"attempt", 2},
                         {"bytes", std::size_t{7}},
                         {"ratio", 0.5},
                         {"written", true},
                         {"error", errc::llm_timeout},
                         {"slot", noon}});
  EXPECT_EQ(text, R"({"time":"2023-11-14T22:13:20.123Z","level":"info","event":"run_finished","user":"u1",)"
                  R"("mission":"m1","attempt":2,"bytes":7,"ratio":0.5,"written":true,"error":"llm_timeout",)"
                  R"("slot":"2023-11-14T22:13:20.123Z"})");
}

TEST(log_line, writes_ids_of_traces_in_hex_and_leaves_out_those_that_are_none) {
  trace_id trace;
  trace.bytes[0] = 0xAB;
  span_id span;
  span.bytes[7] = 1;
  auto v = parsed(log::line(noon, log::level::info, "e",
                            {{"trace_id", trace}, {"span_id", span}, {"parent", span_id{}}, {"other", trace_id{}}}));
  EXPECT_EQ(v.text("trace_id"), "ab000000000000000000000000000000");
  EXPECT_EQ(v.text("span_id"), "0000000000000001");
  EXPECT_EQ(v.as_object()->size(), 5u);
}

TEST(log_line, writes_durations_in_milliseconds_with_the_unit_in_the_name) {
  auto v = parsed(log::line(noon, log::level::info, "e", {{"llm", 840ms}, {"read_ms", 1500us}, {"total", 2s}}));
  EXPECT_EQ(v.find("llm_ms")->as_double(), 840);
  EXPECT_EQ(v.find("read_ms")->as_double(), 1.5);
  EXPECT_EQ(v.find("total_ms")->as_double(), 2000);
}

TEST(log_line, keeps_extreme_numbers_valid) {
  auto v = parsed(log::line(noon, log::level::info, "e",
                            {{"nan", std::numeric_limits<double>::quiet_NaN()},
                             {"inf", std::numeric_limits<double>::infinity()},
                             {"min", std::numeric_limits<std::int64_t>::min()},
                             {"max", std::numeric_limits<std::uint64_t>::max()}}));
  EXPECT_TRUE(v.find("nan")->is_null());
  EXPECT_TRUE(v.find("inf")->is_null());
  EXPECT_EQ(v.find("min")->as_number()->text, "-9223372036854775808");
  EXPECT_EQ(v.find("max")->as_number()->text, "18446744073709551615");
}

TEST(log_line, cuts_long_texts_between_code_points) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    while (text.size() < 2 * log::max_text)
      text += "\xF0\x9F\x8C\x99"; // four bytes
    auto v = parsed(log::line(noon, log::level::info, "e", {{"text", text}}));
    auto logged = v.text("text");
    EXPECT_LE(logged.size(), log::max_text);
    EXPECT_GT(logged.size(), log::max_text - 4);
    EXPECT_TRUE(logged.ends_with("\xE2\x80\xA6"));
    EXPECT_EQ(logged.find("\xEF\xBF\xBD"), std::string_view::npos);
  }
}

TEST(log_line, leaves_out_empty_texts) {
  auto v = parsed(log::line(noon, log::level::info, "e", {{"detail", ""}, {"user", user_id{}}, {"n", 0}}));
  EXPECT_EQ(v.find("detail"), nullptr);
  EXPECT_EQ(v.find("user"), nullptr);
  EXPECT_EQ(v.find("n")->as_double(), 0);
}

TEST(log_line, leaves_a_text_of_the_maximal_length_alone) {
  std::string text(log::max_text, 'x');
  EXPECT_EQ(parsed(log::line(noon, log::level::info, "e", {{"text", text}})).text("text"), text);
}

TEST(log_line, repairs_invalid_utf8_and_escapes_control_characters) {
  auto text = log::line(noon, log::level::info, "e", {{"text", "a\xFF\n\"b"}});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(parsed(text).text("text"), "a\xEF\xBF\xBD\n\"b");
}

TEST(log_level, has_four_names) {
  EXPECT_EQ(log::parse_level("debug"), log::level::debug);
  EXPECT_EQ(log::parse_level("error"), log::level::error);
  EXPECT_EQ(log::parse_level("INFO"), std::nullopt);
  EXPECT_EQ(log::parse_level(""), std::nullopt);
}

struct log_sink : testing::Test {
  log_sink() {
    log::set_sink([this](std::string_view l) { lines.emplace_back(l); });
  }
  ~log_sink() override {
    log::set_sink({});
    log::set_level(log::level::info);
  }
  std::vector<std::string> lines;
};

TEST_F(log_sink, gets_lines_at_or_above_the_level) {
  log::debug("a");
  log::info("b");
  log::set_level(log::level::error);
  log::warn("c");
  log::error("d");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(parsed(lines[0]).text("event"), "b");
  EXPECT_EQ(parsed(lines[1]).text("event"), "d");
  EXPECT_TRUE(lines[0].ends_with("}\n"));
}

TEST_F(log_sink, gets_whole_lines_from_many_threads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i)
        log::info("e", {{"thread", t}, {"i", i}});
    });
  for (auto& t : threads)
    t.join();
  ASSERT_EQ(lines.size(), 200u);
  for (auto& l : lines)
    EXPECT_TRUE(json::parse(l));
}

TEST(log_stderr, gets_one_line_per_event) {
  testing::internal::CaptureStderr();
  log::info("hello", {{"n", 1}});
  auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(parsed(text).text("event"), "hello");
  EXPECT_TRUE(text.ends_with("\n"));
}

} // namespace
