#include "actors/snapshot_refresher/batch_size.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;

TEST(batch_size, begins_at_its_maximum) { EXPECT_EQ(batch_size{500}.get(), 500u); }

TEST(batch_size, is_halved_by_each_slow_batch_down_to_a_few) {
  batch_size s{500};
  s.took(500, 500, 2s);
  EXPECT_EQ(s.get(), 250u);
  for (int i = 0; i < 20; ++i)
    s.took(s.get(), s.get(), 2s);
  EXPECT_EQ(s.get(), batch_size::least);
}

TEST(batch_size, goes_by_what_a_slow_batch_held) {
  batch_size s{500};
  s.took(100, 500, 2s);
  EXPECT_EQ(s.get(), 50u);
}

TEST(batch_size, is_halved_by_a_batch_that_timed_out) {
  batch_size s{500};
  s.timed_out(500);
  s.timed_out(500);
  EXPECT_EQ(s.get(), 250u);
}

TEST(batch_size, one_slow_moment_counts_once) {
  batch_size s{500};
  s.took(500, 500, 2s);
  s.took(500, 500, 2s); // was under way beside the first
  EXPECT_EQ(s.get(), 250u);
}

TEST(batch_size, is_doubled_by_each_quick_full_batch_up_to_its_maximum) {
  batch_size s{100};
  s.took(100, 100, 2s);
  s.took(50, 50, 2s);
  ASSERT_EQ(s.get(), 25u);
  for (std::size_t expected : {50u, 100u, 100u}) {
    s.took(s.get(), s.get(), 10ms);
    EXPECT_EQ(s.get(), expected);
  }
}

TEST(batch_size, stays_as_it_is_while_batches_are_not_full_or_neither_quick_nor_slow) {
  batch_size s{500};
  s.took(500, 500, 2s);
  s.took(249, 250, 1ms);
  s.took(250, 250, 150ms);
  EXPECT_EQ(s.get(), 250u);
}

TEST(batch_size, a_small_maximum_is_kept) {
  batch_size s{4};
  s.took(4, 4, 2s);
  EXPECT_EQ(s.get(), 4u);
}

} // namespace
} // namespace mana
