#include "actors/llm_client/adaptive_limit.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace mana {
namespace {

using permits = std::vector<adaptive_limit::permit>;

permits take(adaptive_limit& l, std::size_t n) {
  permits out;
  for (std::size_t i = 0; i < n; ++i)
    out.push_back(l.take());
  return out;
}

void give_back(adaptive_limit& l, const permits& all, limit_event what, bool may_explore = true) {
  for (auto p : all)
    l.give_back(p, what, may_explore);
}

// As many calls at once as there are places, all with the same end.
void round_trip(adaptive_limit& l, limit_event what, bool may_explore = true) {
  give_back(l, take(l, l.limit()), what, may_explore);
}

// As many successes as there are places now, while every free place is taken at once.
void busy_round_trip(adaptive_limit& l, bool may_explore = true) {
  std::deque<adaptive_limit::permit> under_way;
  for (auto successes = l.limit(); successes > 0; --successes) {
    while (l.has_place())
      under_way.push_back(l.take());
    l.give_back(under_way.front(), limit_event::success, may_explore);
    under_way.pop_front();
  }
  for (auto p : under_way)
    l.give_back(p, limit_event::unrelated, may_explore);
}

TEST(adaptive_limit_test, starts_at_its_maximum_and_never_exceeds_it) {
  adaptive_limit l{8};
  auto all = take(l, 8);
  EXPECT_FALSE(l.has_place());
  EXPECT_EQ(l.in_flight(), 8u);
  give_back(l, all, limit_event::success);
  EXPECT_TRUE(l.has_place());
  EXPECT_EQ(l.limit(), 8u);
  round_trip(l, limit_event::success);
  EXPECT_EQ(l.limit(), 8u);
}

TEST(adaptive_limit_test, a_burst_of_refusals_halves_it_once) {
  adaptive_limit l{64};
  auto all = take(l, 64);
  l.give_back(all.back(), limit_event::success, true);
  all.pop_back();
  give_back(l, all, limit_event::refused);
  EXPECT_EQ(l.limit(), 32u);
  EXPECT_EQ(l.in_flight(), 0u);
}

TEST(adaptive_limit_test, what_is_halved_is_what_was_in_flight) {
  adaptive_limit l{1000};
  auto some = take(l, 20);
  l.give_back(some[0], limit_event::success, true);
  l.give_back(some[1], limit_event::refused, true);
  EXPECT_EQ(l.limit(), 10u);
}

TEST(adaptive_limit_test, where_nothing_gets_through_one_call_at_a_time_is_sent) {
  adaptive_limit l{64};
  round_trip(l, limit_event::success);
  round_trip(l, limit_event::refused);
  EXPECT_EQ(l.limit(), 32u);
  auto one = l.take();
  EXPECT_TRUE(l.give_back(one, limit_event::refused, true));
  EXPECT_EQ(l.limit(), 1u);
  round_trip(l, limit_event::refused);
  EXPECT_EQ(l.limit(), 1u) << "never less";
}

TEST(adaptive_limit_test, after_a_storm_it_doubles_per_round_trip_up_to_the_level_before) {
  adaptive_limit l{64};
  give_back(l, take(l, 64), limit_event::success);
  give_back(l, take(l, 64), limit_event::refused);
  round_trip(l, limit_event::refused);
  for (std::size_t expected : {2u, 4u, 8u, 16u, 32u, 64u}) {
    busy_round_trip(l, false);
    EXPECT_EQ(l.limit(), expected);
  }
}

TEST(adaptive_limit_test, a_storm_on_a_quiet_day_does_not_count_against_a_busy_one) {
  adaptive_limit l{64};
  l.give_back(l.take(), limit_event::success, true);
  for (int i = 0; i < 10; ++i)
    l.give_back(l.take(), limit_event::trouble, true);
  ASSERT_EQ(l.limit(), 4u);
  for (int i = 0; i < 7; ++i)
    busy_round_trip(l, false);
  EXPECT_EQ(l.limit(), 64u);
}

TEST(adaptive_limit_test, nor_do_some_failures_on_such_a_day) {
  adaptive_limit l{100};
  l.give_back(l.take(), limit_event::success, true);
  for (int i = 0; i < 3; ++i)
    l.give_back(l.take(), limit_event::trouble, true);
  ASSERT_EQ(l.limit(), 4u);
  for (int i = 0; i < 10; ++i)
    busy_round_trip(l, false);
  EXPECT_EQ(l.limit(), 95u);
}

TEST(adaptive_limit_test, beyond_the_known_level_it_grows_slowly_at_first) {
  adaptive_limit l{1000};
  auto all = take(l, 100);
  l.give_back(all[0], limit_event::success, true);
  all.erase(all.begin());
  give_back(l, all, limit_event::refused);
  for (int i = 0; i < 10; ++i)
    busy_round_trip(l, false);
  EXPECT_EQ(l.limit(), 95u);
  for (std::size_t expected : {96u, 98u, 102u, 110u}) {
    busy_round_trip(l);
    EXPECT_EQ(l.limit(), expected);
  }
}

TEST(adaptive_limit_test, does_not_grow_while_it_is_not_in_use) {
  adaptive_limit l{1000};
  give_back(l, take(l, 64), limit_event::success);
  give_back(l, take(l, 64), limit_event::refused);
  ASSERT_EQ(l.limit(), 32u);
  for (int i = 0; i < 1000; ++i)
    give_back(l, take(l, 16), limit_event::success);
  EXPECT_EQ(l.limit(), 32u);
}

TEST(adaptive_limit_test, single_errors_are_not_taken_for_load) {
  adaptive_limit l{16};
  for (int i = 0; i < 1000; ++i) {
    l.give_back(l.take(), limit_event::trouble, true);
    for (int n = 0; n < 9; ++n)
      l.give_back(l.take(), limit_event::success, true);
    l.give_back(l.take(), limit_event::unrelated, true);
  }
  EXPECT_EQ(l.limit(), 16u);
}

TEST(adaptive_limit_test, more_errors_than_one_in_six_are) {
  adaptive_limit l{16};
  give_back(l, take(l, 16), limit_event::success);
  auto all = take(l, 16);
  for (std::size_t i = 0; i < 2; ++i)
    l.give_back(all[i], limit_event::trouble, true);
  EXPECT_EQ(l.limit(), 16u);
  l.give_back(all[2], limit_event::trouble, true);
  EXPECT_EQ(l.limit(), 8u);
}

TEST(adaptive_limit_test, trouble_leaves_a_few_places_but_opens_none) {
  adaptive_limit l{64};
  for (int i = 0; i < 100; ++i)
    round_trip(l, limit_event::trouble);
  EXPECT_EQ(l.limit(), 4u);
  for (int i = 0; i < 100; ++i)
    round_trip(l, limit_event::refused);
  EXPECT_EQ(l.limit(), 1u);
  for (int i = 0; i < 100; ++i)
    round_trip(l, limit_event::trouble);
  EXPECT_EQ(l.limit(), 1u);
}

TEST(adaptive_limit_test, calls_that_were_written_off_take_no_place_and_teach_nothing) {
  adaptive_limit l{4};
  auto hanging = take(l, 4);
  l.write_off();
  EXPECT_TRUE(l.has_place());
  EXPECT_EQ(l.in_flight(), 4u);
  auto fresh = take(l, 4);
  EXPECT_FALSE(l.has_place());
  give_back(l, hanging, limit_event::trouble);
  EXPECT_EQ(l.limit(), 4u);
  EXPECT_FALSE(l.has_place()) << "they give no place back that they did not take";
  give_back(l, fresh, limit_event::success);
  EXPECT_EQ(l.in_flight(), 0u);
}

} // namespace
} // namespace mana
