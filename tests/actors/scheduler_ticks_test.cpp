// The scheduler in virtual time: ticks, what belongs to one, and when it is done.
#include "tests/actors/scheduler_fixture.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(scheduler_test, ticks_at_once_and_then_by_the_timer) {
  start();
  EXPECT_EQ(world_.refreshes, 1u);
  EXPECT_EQ(world_.claims.size(), 1u);
  EXPECT_EQ(world_.claims[0].limit, 100u);
  EXPECT_EQ(world_.claims[0].per_user, 8u);
  advance(59'900ms);
  EXPECT_EQ(ticks_, 1u);
  advance(100ms);
  EXPECT_EQ(ticks_, 2u);
  advance(5 * 60s, 1s);
  EXPECT_EQ(ticks_, 7u);
  EXPECT_EQ(tick_durations_.size(), 7u);
}

TEST_F(scheduler_test, refreshes_before_it_claims) {
  world_.hold_refreshes = true;
  start();
  EXPECT_THAT(world_.claims, IsEmpty());
  release<release_refreshes>();
  EXPECT_EQ(world_.claims.size(), 1u);
}

TEST_F(scheduler_test, a_tick_answers_when_its_runs_are_done) {
  start();
  add_work({"m1", "m2"});
  auto answer = tick();
  EXPECT_FALSE(answer->value);
  EXPECT_TRUE(status().tick_running);
  finish("m1");
  EXPECT_FALSE(answer->value);
  auto second = failed("m2", errc::llm_refused);
  second.detail = "status 400";
  second.parse_failures = 1;
  finish("m2", second);
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(to_iso(answer->value->scanned_at), "2026-03-01T08:00:00.000Z");
  EXPECT_EQ(answer->value->due, 2u);
  EXPECT_EQ(answer->value->plans_produced, 1u);
  EXPECT_EQ(answer->value->plans_written, 1u);
  EXPECT_EQ(answer->value->parse_failures, 1u);
  EXPECT_THAT(answer->value->errors, ElementsAre("m2: llm_refused (status 400)"));
  EXPECT_FALSE(status().tick_running);
}

TEST_F(scheduler_test, a_tick_waits_for_runs_in_flight_at_its_start) {
  start();
  add_work({"m1"});
  notify();
  ASSERT_TRUE(running("m1"));
  auto answer = tick();
  EXPECT_FALSE(answer->value);
  finish("m1");
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->due, 1u);
  EXPECT_EQ(answer->value->plans_written, 1u);
}

TEST_F(scheduler_test, a_tick_does_not_wait_for_what_is_claimed_after_it) {
  start();
  add_work({"m1"});
  auto answer = tick();
  add_work({"m2"});
  notify();
  ASSERT_TRUE(running("m2"));
  finish("m1");
  EXPECT_TRUE(answer->value);
  EXPECT_TRUE(running("m2"));
}

TEST_F(scheduler_test, what_an_earlier_claim_brings_during_a_tick_belongs_to_it) {
  start();
  add_work({"m1"});
  world_.hold_claims = true;
  notify(); // under way when the tick begins
  auto answer = tick();
  EXPECT_EQ(world_.claims.size(), 2u); // one at a time
  world_.hold_claims = false;
  release<release_claims>();
  EXPECT_EQ(world_.claims.size(), 3u); // the tick's own
  EXPECT_FALSE(answer->value);
  finish("m1");
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->due, 1u);
}

TEST_F(scheduler_test, a_tick_while_one_runs_is_skipped) {
  start();
  add_work({"m1"});
  auto first = tick();
  auto second = tick();
  ASSERT_TRUE(second->value);
  EXPECT_THAT(second->value->errors, ElementsAre("overlap-skipped"));
  EXPECT_EQ(second->value->due, 0u);
  EXPECT_FALSE(first->value);
  finish("m1");
  EXPECT_THAT(first->value->errors, IsEmpty());
  EXPECT_TRUE(tick()->value->errors.empty());
}

TEST_F(scheduler_test, a_slow_run_does_not_hold_up_others_until_it_ends) {
  start();
  add_work({"slow"});
  auto answer = tick();
  add_work({"m2"});
  advance(61s, 1s); // the timer's tick is skipped, its claim is not
  EXPECT_TRUE(running("m2"));
  EXPECT_EQ(ticks_, 2u);
  EXPECT_FALSE(answer->value);
}

TEST_F(scheduler_test, a_tick_claims_until_a_claim_comes_back_short) {
  config_.claim_batch = 2;
  start();
  add_work({"m1", "m2", "m3", "m4", "m5"});
  auto answer = tick();
  EXPECT_EQ(runs(), 5u);
  EXPECT_EQ(world_.claims.size(), 1u + 3u);
  for (auto m : {"m1", "m2", "m3", "m4", "m5"})
    finish(m);
  EXPECT_EQ(answer->value->due, 5u);
}

TEST_F(scheduler_test, a_tick_goes_on_when_places_become_free) {
  config_.max_runs = 2;
  config_.tick_enabled = false;
  start();
  add_work({"m1", "m2", "m3", "m4", "m5"});
  auto answer = tick();
  EXPECT_EQ(runs(), 2u);
  finish("m1");
  EXPECT_TRUE(running("m3"));
  EXPECT_EQ(world_.claims.back().limit, 1u);
  for (auto m : {"m2", "m3", "m4"})
    finish(m);
  EXPECT_FALSE(answer->value);
  finish("m5");
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->due, 5u);
  EXPECT_EQ(answer->value->plans_written, 5u);
}

TEST_F(scheduler_test, a_tick_claims_again_after_a_run_when_somebody_was_passed_over) {
  config_.tick_enabled = false;
  start();
  add_work({"m1", "m2"});
  world_.more_waiting = true;
  auto answer = tick();
  EXPECT_EQ(world_.claims.size(), 1u);
  world_.more_waiting = false;
  add_work({"m3"});
  finish("m1");
  EXPECT_EQ(world_.claims.size(), 2u);
  finish("m2");
  EXPECT_FALSE(answer->value);
  finish("m3");
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(world_.claims.size(), 2u);
  EXPECT_EQ(answer->value->due, 3u);
  EXPECT_EQ(answer->value->plans_written, 3u);
}

TEST_F(scheduler_test, a_tick_claims_again_when_its_last_run_ended_during_the_claim) {
  config_.tick_enabled = false;
  start();
  add_work({"m1", "m2"});
  world_.more_waiting = true;
  auto answer = tick();
  world_.hold_claims = true;
  finish("m1"); // asks for a claim
  finish("m2");
  world_.hold_claims = false;
  release<release_claims>();
  EXPECT_EQ(world_.claims.size(), 3u);
  ASSERT_TRUE(answer->value); // the third had nothing, with no run left
  EXPECT_EQ(answer->value->plans_written, 2u);
}

TEST_F(scheduler_test, a_tick_does_not_wait_for_users_whom_another_replica_holds) {
  config_.tick_enabled = false;
  start();
  world_.more_waiting = true;
  auto answer = tick();
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(world_.claims.size(), 1u);
}

TEST_F(scheduler_test, a_failed_refresh_is_reported_and_what_is_known_is_claimed) {
  config_.tick_enabled = false;
  start();
  world_.refresh_error = failure{errc::database_timeout, "dirty queue"};
  add_work({"m1"});
  auto answer = tick();
  finish("m1");
  EXPECT_THAT(answer->value->errors, ElementsAre("refresh: database_timeout (dirty queue)"));
  EXPECT_EQ(answer->value->plans_written, 1u);
  EXPECT_THAT(trouble_, ElementsAre("refresh: database_timeout"));
  EXPECT_FALSE(status().last_tick_age);
}

TEST_F(scheduler_test, a_failed_claim_ends_the_tick) {
  config_.tick_enabled = false;
  start();
  world_.claim_error = failure{errc::database_unavailable, ""};
  auto answer = tick();
  ASSERT_TRUE(answer->value);
  EXPECT_THAT(answer->value->errors, ElementsAre("claim: database_unavailable"));
  EXPECT_EQ(to_iso(answer->value->scanned_at), "2026-03-01T08:00:01.000Z");
  EXPECT_FALSE(status().last_tick_age);
  advance(60s, 1s);
  EXPECT_EQ(world_.claims.size(), 1u); // ticks by HTTP only: nobody asked again
  world_.claim_error.reset();
  EXPECT_THAT(tick()->value->errors, IsEmpty());
  EXPECT_TRUE(status().last_tick_age);
}

TEST_F(scheduler_test, the_age_of_the_last_good_tick) {
  config_.tick_enabled = false;
  start();
  EXPECT_FALSE(status().last_tick_age);
  tick();
  advance(42s, 1s);
  EXPECT_EQ(status().last_tick_age, 42s);
}

TEST_F(scheduler_test, a_tick_lists_at_most_20_errors) {
  config_.tick_enabled = false;
  start();
  for (int i = 0; i < 30; ++i)
    world_.due.push_back(due_mission("m" + std::to_string(i)));
  auto answer = tick();
  for (int i = 0; i < 30; ++i)
    finish("m" + std::to_string(i), failed("m" + std::to_string(i), errc::plan_rejected));
  EXPECT_EQ(answer->value->due, 30u);
  EXPECT_EQ(answer->value->errors.size(), 20u);
}

TEST_F(scheduler_test, without_ticks_only_http_claims) {
  config_.tick_enabled = false;
  world_.next_due_in = 1s;
  start();
  add_work({"m1"});
  notify();
  advance(5 * 60s, 1s);
  EXPECT_THAT(world_.claims, IsEmpty());
  EXPECT_THAT(world_.renewals, IsEmpty());
  EXPECT_FALSE(status().tick_enabled);
  tick();
  EXPECT_TRUE(running("m1"));
  advance(5s);
  EXPECT_FALSE(world_.renewals.empty());
}

TEST_F(scheduler_test, the_duration_of_a_tick_lasts_until_its_last_run) {
  start();
  add_work({"m1"});
  tick();
  advance(7s);
  finish("m1");
  EXPECT_EQ(tick_durations_.back(), 7s);
}

} // namespace

} // namespace mana::test
