#include "actors/llm_client/fair_queue.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mana {
namespace {

using namespace std::chrono_literals;
using ids = std::vector<fair_queue::call_id>;

struct fair_queue_test : testing::Test {
  fair_queue queue;
  fair_queue::time_point now{1000s};

  void push(const char* user, fair_queue::call_id id) { queue.push(user_id{user}, id, now += 1s); }
  ids rest() {
    ids out;
    while (!queue.empty()) {
      out.push_back(queue.next());
      queue.pop();
    }
    return out;
  }
};

TEST_F(fair_queue_test, one_users_calls_leave_in_their_order) {
  for (unsigned id : {1u, 2u, 3u})
    push("anna", id);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(rest(), (ids{1, 2, 3}));
  EXPECT_EQ(queue.size(), 0u);
}

TEST_F(fair_queue_test, users_take_turns) {
  for (unsigned id : {1u, 2u, 3u, 4u})
    push("greedy", id);
  push("ben", 5);
  push("cleo", 6);
  push("ben", 7);
  EXPECT_EQ(rest(), (ids{1, 5, 6, 2, 7, 3, 4}));
}

TEST_F(fair_queue_test, coming_back_with_every_call_gains_nothing) {
  push("greedy", 1);
  push("ben", 2);
  queue.pop();
  push("greedy", 3);
  EXPECT_EQ(rest(), (ids{2, 3}));
}

TEST_F(fair_queue_test, a_call_that_comes_back_is_before_younger_ones_of_its_user_alone) {
  push("anna", 1);
  push("ben", 2);
  queue.pop();
  push("anna", 3);
  push("anna", 1);
  EXPECT_EQ(rest(), (ids{2, 1, 3}));
}

TEST_F(fair_queue_test, calls_can_leave_out_of_turn) {
  for (unsigned id : {1u, 2u})
    push("anna", id);
  push("ben", 3);
  queue.erase(1);
  queue.erase(3);
  queue.erase(99);
  EXPECT_EQ(rest(), (ids{2}));
  push("ben", 4);
  EXPECT_EQ(rest(), (ids{4}));
}

TEST_F(fair_queue_test, the_oldest_is_the_one_that_waits_longest) {
  push("anna", 7);
  auto since = now;
  push("ben", 3);
  EXPECT_EQ(queue.oldest(), 7u);
  EXPECT_EQ(queue.oldest_since(), since);
  queue.erase(7);
  EXPECT_EQ(queue.oldest(), 3u);
}

} // namespace
} // namespace mana
