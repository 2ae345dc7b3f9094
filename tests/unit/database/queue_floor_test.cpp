#include "actors/database/queue_floor.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;

constexpr queue_floor::time_point start{1h};

TEST(queue_floor_test, a_new_one_has_to_look) { EXPECT_TRUE(queue_floor{10}.look_is_due(start)); }

TEST(queue_floor_test, scans_begin_a_little_before_the_first_entry) {
  queue_floor f{10};
  f.looked(1000, start, start + 1ms);
  EXPECT_EQ(f.get(), 990);
}

TEST(queue_floor_test, while_looks_are_cheap_every_scan_has_one) {
  queue_floor f{10};
  f.looked(1000, start, start + 1ms);
  EXPECT_TRUE(f.look_is_due(start + 1ms));
}

TEST(queue_floor_test, looks_that_are_not_take_a_tenth_of_the_time) {
  queue_floor f{10};
  f.looked(1000, start, start + 100ms);
  EXPECT_FALSE(f.look_is_due(start + 999ms));
  EXPECT_TRUE(f.look_is_due(start + 1s));
}

TEST(queue_floor_test, moves_with_what_is_taken_and_not_back) {
  queue_floor f{10};
  f.looked(1000, start, start + 1s);
  f.taken_to(1500);
  EXPECT_EQ(f.get(), 1490);
  f.taken_to(1200);
  EXPECT_EQ(f.get(), 1490);
}

TEST(queue_floor_test, a_look_finds_who_joined_before_it) {
  queue_floor f{10};
  f.looked(1000, start, start + 1s);
  f.taken_to(1500);
  f.looked(700, start + 10s, start + 11s);
  EXPECT_EQ(f.get(), 690);
}

TEST(queue_floor_test, an_empty_queue_leaves_it_where_it_is) {
  queue_floor f{10};
  f.looked(1000, start, start + 1s);
  f.looked(std::nullopt, start + 10s, start + 11s);
  EXPECT_EQ(f.get(), 990);
}

TEST(queue_floor_test, who_needs_the_whole_queue_looks_whatever_it_costs) {
  queue_floor f{0};
  auto now = std::chrono::steady_clock::now();
  f.looked(1000, now - 1h, now); // the next one is hours away
  auto not_asked = [] { return std::optional<std::int64_t>{1}; };
  auto start_now = scan_from(f, false, not_asked);
  EXPECT_EQ(start_now.from, 1000);
  EXPECT_FALSE(start_now.looked);
  start_now = scan_from(f, true, [] { return std::optional<std::int64_t>{5}; });
  EXPECT_EQ(start_now.from, 5);
  EXPECT_TRUE(start_now.looked);
}

} // namespace
} // namespace mana
