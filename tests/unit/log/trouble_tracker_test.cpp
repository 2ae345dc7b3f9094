#include "infra/log/trouble_tracker.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using mana::log::trouble_tracker;
using namespace std::chrono_literals;

constexpr trouble_tracker::time_point start{1h};

TEST(trouble_tracker, first_trouble_is_written) {
  trouble_tracker t;
  EXPECT_EQ(t.happened("claim", "refused", start), 0u);
}

TEST(trouble_tracker, repetitions_are_left_out_until_the_reminder_counts_them) {
  trouble_tracker t;
  t.happened("claim", "refused", start);
  EXPECT_EQ(t.happened("claim", "refused", start + 1s), std::nullopt);
  EXPECT_EQ(t.happened("claim", "refused", start + 59s), std::nullopt);
  EXPECT_EQ(t.happened("claim", "refused", start + 60s), 2u);
  EXPECT_EQ(t.happened("claim", "refused", start + 61s), std::nullopt);
  EXPECT_EQ(t.happened("claim", "refused", start + 120s), 1u);
}

TEST(trouble_tracker, another_reason_is_written_at_once) {
  trouble_tracker t;
  t.happened("claim", "refused", start);
  t.happened("claim", "refused", start + 1s);
  EXPECT_EQ(t.happened("claim", "starting up", start + 2s), 1u);
  EXPECT_EQ(t.happened("claim", "starting up", start + 3s), std::nullopt);
}

TEST(trouble_tracker, reasons_that_take_turns_are_written_once_each_until_the_reminder) {
  trouble_tracker t;
  t.happened("claim", "refused", start);
  t.happened("claim", "starting up", start + 1s);
  EXPECT_EQ(t.happened("claim", "refused", start + 2s), std::nullopt);
  EXPECT_EQ(t.happened("claim", "starting up", start + 3s), std::nullopt);
  EXPECT_EQ(t.happened("claim", "starting up", start + 60s), 2u);
  EXPECT_EQ(t.happened("claim", "refused", start + 61s), 0u);
}

TEST(trouble_tracker, reasons_that_never_repeat_are_bounded) {
  trouble_tracker t;
  std::size_t lines = 0;
  for (int i = 0; i < 1000; ++i)
    lines += t.happened("claim", std::to_string(i), start + i * 1ms) ? 1 : 0;
  EXPECT_EQ(lines, trouble_tracker::max_texts);
}

TEST(trouble_tracker, things_are_apart) {
  trouble_tracker t;
  t.happened("claim", "refused", start);
  EXPECT_EQ(t.happened("renew", "refused", start), 0u);
  EXPECT_EQ(t.ended("refresh", start), std::nullopt);
}

TEST(trouble_tracker, end_tells_how_often_and_how_long) {
  trouble_tracker t;
  t.happened("claim", "refused", start);
  t.happened("claim", "refused", start + 1s);
  t.happened("claim", "starting up", start + 2s);
  auto over = t.ended("claim", start + 2500ms);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->times, 3u);
  EXPECT_EQ(over->lasted, 2500ms);
  EXPECT_EQ(t.ended("claim", start + 3s), std::nullopt);
}

TEST(trouble_tracker, after_its_end_the_same_trouble_is_new) {
  trouble_tracker t;
  t.happened("claim", "refused", start);
  t.ended("claim", start + 1s);
  EXPECT_EQ(t.happened("claim", "refused", start + 2s), 0u);
}

} // namespace
