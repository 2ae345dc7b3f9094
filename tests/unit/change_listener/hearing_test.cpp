#include "actors/change_listener/hearing.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mana {
namespace {

using namespace std::chrono_literals;
using task = hearing::task;

struct hearing_test : testing::Test {
  hearing_rules rules{.check_every = 5s,
                      .heard_within = 3s,
                      .poll_every = 2s,
                      .reconnect = {.least = 100ms, .base = 400ms, .max = 10s}};
  hearing under_test{rules};
  hearing::time_point now{1000s};
  static constexpr double middle = 0.5; // polls exactly `poll_every` apart

  std::optional<task> due() const { return under_test.due(now); }
  void pass(std::chrono::milliseconds time) { now += time; }
  void poll() {
    ASSERT_EQ(due(), task::poll);
    under_test.polled(now, middle);
  }
  void connect() {
    under_test.connected(now);
    poll();
  }
  void prove() {
    ASSERT_EQ(due(), task::check);
    under_test.check_started(now);
    under_test.check_heard(now);
  }
  // How long after `lost` the next attempt to connect is due, to 50 ms.
  std::chrono::milliseconds pause_after_loss(double random) {
    under_test.lost(now, random);
    auto since = now;
    for (; due() != task::connect; pass(50ms))
      if (due() == task::poll)
        under_test.polled(now, middle);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - since);
  }
};

TEST_F(hearing_test, begins_with_a_poll_and_a_connection) {
  poll();
  EXPECT_EQ(due(), task::connect);
  EXPECT_FALSE(under_test.proven());
}

TEST_F(hearing_test, polls_after_connecting_for_what_was_missed_before) {
  poll();
  under_test.connected(now);
  EXPECT_EQ(due(), task::poll);
}

TEST_F(hearing_test, checks_a_new_connection_at_once) {
  connect();
  EXPECT_EQ(due(), task::check);
}

TEST_F(hearing_test, is_proven_by_what_it_heard_and_says_so_once) {
  connect();
  under_test.check_started(now);
  EXPECT_FALSE(under_test.proven());
  EXPECT_TRUE(under_test.check_heard(now));
  EXPECT_TRUE(under_test.proven());
  EXPECT_FALSE(under_test.check_heard(now));
}

TEST_F(hearing_test, does_not_poll_while_proven) {
  connect();
  prove();
  pass(4999ms);
  EXPECT_EQ(due(), std::nullopt);
}

TEST_F(hearing_test, checks_again_and_again) {
  connect();
  for (int i = 0; i < 3; ++i) {
    prove();
    pass(4999ms);
    EXPECT_EQ(due(), std::nullopt);
    pass(1ms);
  }
  EXPECT_EQ(due(), task::check);
}

TEST_F(hearing_test, gives_up_a_connection_on_which_a_check_is_not_heard) {
  connect();
  prove();
  pass(5s);
  under_test.check_started(now);
  pass(2999ms);
  EXPECT_EQ(due(), std::nullopt);
  pass(1ms);
  EXPECT_EQ(due(), task::give_up);
}

TEST_F(hearing_test, polls_at_once_when_it_lost_its_connection_and_then_at_intervals) {
  connect();
  prove();
  pass(60s);
  under_test.lost(now, 1.0);
  poll();
  pass(1999ms);
  EXPECT_NE(due(), task::poll);
  pass(1ms);
  EXPECT_EQ(due(), task::poll);
}

TEST_F(hearing_test, polls_at_intervals_while_a_connection_is_not_proven) {
  connect();
  under_test.check_started(now);
  pass(1999ms);
  EXPECT_EQ(due(), std::nullopt);
  pass(1ms);
  EXPECT_EQ(due(), task::poll);
}

TEST_F(hearing_test, spreads_polls_around_the_interval) {
  connect();
  under_test.check_started(now);
  under_test.polled(now, 0.0);
  EXPECT_EQ(under_test.due(now + 999ms), std::nullopt);
  EXPECT_EQ(under_test.due(now + 1s), task::poll);
  under_test.polled(now, 0.9);
  EXPECT_EQ(under_test.due(now + 2799ms), std::nullopt);
  EXPECT_EQ(under_test.due(now + 2800ms), task::poll);
}

TEST_F(hearing_test, keeps_the_connection_when_a_check_could_not_be_sent_but_polls) {
  connect();
  prove();
  pass(5s);
  under_test.check_started(now);
  under_test.check_not_sent(now);
  EXPECT_FALSE(under_test.proven());
  poll();
  EXPECT_EQ(due(), std::nullopt);
  pass(4s);
  under_test.polled(now, middle);
  pass(1s);
  EXPECT_EQ(due(), task::check);
}

TEST_F(hearing_test, is_proven_by_a_check_that_is_heard_before_its_sender_fails) {
  connect();
  prove();
  under_test.check_not_sent(now);
  EXPECT_TRUE(under_test.proven());
}

TEST_F(hearing_test, pauses_longer_after_each_loss_up_to_a_bound) {
  EXPECT_EQ(pause_after_loss(1.0), 400ms);
  EXPECT_EQ(pause_after_loss(1.0), 800ms);
  EXPECT_EQ(pause_after_loss(1.0), 1600ms);
  for (int i = 0; i < 10; ++i)
    pause_after_loss(1.0);
  EXPECT_EQ(pause_after_loss(1.0), 10s);
}

TEST_F(hearing_test, pauses_by_chance) {
  EXPECT_EQ(pause_after_loss(0.0), 100ms);
  EXPECT_EQ(pause_after_loss(0.5), 450ms);
}

TEST_F(hearing_test, a_connection_that_breaks_at_once_does_not_shorten_the_pause) {
  pause_after_loss(1.0);
  pause_after_loss(1.0);
  connect();
  prove();
  EXPECT_EQ(pause_after_loss(1.0), 1600ms);
}

TEST_F(hearing_test, a_connection_that_held_for_a_while_does) {
  pause_after_loss(1.0);
  pause_after_loss(1.0);
  connect();
  prove();
  pass(5s);
  prove();
  EXPECT_EQ(pause_after_loss(1.0), 400ms);
}

TEST_F(hearing_test, hears_nothing_of_a_connection_that_is_lost) {
  connect();
  under_test.check_started(now);
  under_test.lost(now, 1.0);
  EXPECT_FALSE(under_test.check_heard(now));
  EXPECT_FALSE(under_test.proven());
  EXPECT_NE(under_test.due(now + 3s), task::give_up);
}

} // namespace
} // namespace mana
