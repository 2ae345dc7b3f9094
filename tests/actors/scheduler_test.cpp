// When the scheduler claims, and what one failing run does to others: nothing.
#include "tests/actors/scheduler_fixture.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// -- wake-ups ---------------------------------------------------------------------------------------

TEST_F(scheduler_test, wakes_at_the_due_time) {
  world_.next_due_in = 12'345ms;
  start();
  world_.next_due_in.reset();
  add_work({"m1"});
  advance(12'344ms, 1ms);
  EXPECT_EQ(runs(), 0u);
  advance(1ms, 1ms);
  EXPECT_TRUE(running("m1"));
  EXPECT_EQ(ticks_, 1u);
}

TEST_F(scheduler_test, an_earlier_due_time_replaces_a_later_one) {
  world_.next_due_in = 20s;
  start();
  world_.next_due_in = 5s;
  notify();
  world_.next_due_in = 15s; // as the claim at 5 s sees it
  EXPECT_EQ(world_.claims.size(), 2u);
  advance(5s);
  EXPECT_EQ(world_.claims.size(), 3u);
  world_.next_due_in.reset();
  advance(14'900ms);
  EXPECT_EQ(world_.claims.size(), 3u);
  advance(5s);
  EXPECT_EQ(world_.claims.size(), 4u); // once, although two timers named that time
}

TEST_F(scheduler_test, a_due_time_of_zero_is_no_busy_loop) {
  world_.next_due_in = 0ms;
  start();
  advance(100ms, 1ms);
  EXPECT_LE(world_.claims.size(), 22u);
  EXPECT_GE(world_.claims.size(), 10u);
}

TEST_F(scheduler_test, a_due_time_behind_the_next_tick_is_left_to_it) {
  world_.next_due_in = 90s;
  start();
  EXPECT_EQ(world_.claims.size(), 1u);
  world_.next_due_in = 30s;
  advance(60s);
  EXPECT_EQ(world_.claims.size(), 2u);
  world_.next_due_in.reset();
  advance(29'900ms);
  EXPECT_EQ(world_.claims.size(), 2u);
  advance(100ms);
  EXPECT_EQ(world_.claims.size(), 3u);
}

TEST_F(scheduler_test, wakes_when_a_retry_is_due) {
  start();
  add_work({"m1"});
  notify();
  auto report = failed("m1", errc::llm_timeout);
  report.ended = run_end::retry;
  report.retry_after = 7s;
  finish("m1", report);
  auto before = world_.claims.size();
  advance(6'900ms);
  EXPECT_EQ(world_.claims.size(), before);
  advance(100ms);
  EXPECT_EQ(world_.claims.size(), before + 1);
}

TEST_F(scheduler_test, wakes_when_a_lease_that_was_left_behind_has_ended) {
  start();
  add_work({"m1"});
  notify();
  auto report = failed("m1", errc::database_unavailable);
  report.ended.reset();
  finish("m1", report);
  auto before = world_.claims.size();
  EXPECT_THAT(world_.hand_backs, IsEmpty());
  advance(15s);
  EXPECT_EQ(world_.claims.size(), before + 1);
}

TEST_F(scheduler_test, a_look_for_dead_replicas_that_finds_missions_waiting_claims_them) {
  start();
  auto before = world_.claims.size();
  advance(1s);
  EXPECT_EQ(world_.claims.size(), before);
  world_.waiting = 20ms;
  advance(1s);
  EXPECT_EQ(world_.claims.size(), before + 1);
  EXPECT_EQ(oldest_, 20ms);
}

TEST_F(scheduler_test, many_notifications_cost_one_claim) {
  start();
  world_.hold_claims = true;
  for (int i = 0; i < 1'000; ++i)
    caf::anon_send(scheduler_, work_available{});
  run();
  EXPECT_EQ(world_.claims.size(), 1u + 1u);
  world_.hold_claims = false;
  release<release_claims>();
  EXPECT_EQ(world_.claims.size(), 1u + 2u); // what came while the first was under way
}

TEST_F(scheduler_test, a_free_place_is_filled_when_the_last_claim_was_full) {
  config_.max_runs = 2;
  start();
  add_work({"m1", "m2", "m3"});
  notify();
  EXPECT_EQ(runs(), 2u);
  auto before = world_.claims.size();
  finish("m1");
  EXPECT_TRUE(running("m3"));
  EXPECT_EQ(world_.claims.size(), before + 1);
  EXPECT_EQ(world_.claims.back().limit, 1u);
}

TEST_F(scheduler_test, a_free_place_is_left_alone_when_nothing_waited) {
  start();
  add_work({"m1", "m2"});
  notify();
  auto before = world_.claims.size();
  finish("m1");
  EXPECT_EQ(world_.claims.size(), before);
}

TEST_F(scheduler_test, claims_again_when_a_user_falls_below_the_limit) {
  config_.max_runs_per_user = 2;
  start();
  add_work({"m1", "m2"});
  notify();
  auto before = world_.claims.size();
  finish("m1");
  EXPECT_EQ(world_.claims.size(), before + 1);
  finish("m2");
  EXPECT_EQ(world_.claims.size(), before + 1);
}

TEST_F(scheduler_test, claims_again_when_something_was_left_waiting) {
  start();
  world_.more_waiting = true;
  add_work({"m1"});
  notify();
  auto before = world_.claims.size();
  finish("m1");
  EXPECT_EQ(world_.claims.size(), before + 1);
}

TEST_F(scheduler_test, no_claim_without_a_free_place) {
  config_.max_runs = 1;
  start();
  add_work({"m1"});
  notify();
  auto before = world_.claims.size();
  notify();
  advance(3 * 60s, 1s);
  EXPECT_EQ(world_.claims.size(), before);
  finish("m1");
  EXPECT_EQ(world_.claims.size(), before + 1);
}

// -- claims that fail -------------------------------------------------------------------------------

TEST_F(scheduler_test, failed_claims_repeat_until_one_succeeds) {
  world_.claim_error = failure{errc::database_unavailable, ""};
  start();
  EXPECT_EQ(world_.claims.size(), 1u);
  advance(10 * 60s, 100ms);
  auto tries = world_.claims.size();
  EXPECT_GE(tries, 600u / 5); // never further apart than 5 s
  EXPECT_LE(tries, 600u / 2); // random is 0.5: the bound of 5 s means 2.6 s
  world_.claim_error.reset();
  add_work({"m1"});
  advance(5s);
  EXPECT_TRUE(running("m1"));
}

TEST_F(scheduler_test, the_pause_after_failed_claims_stays_within_its_bounds) {
  for (double random : {0.0, 0.999}) {
    scheduler_config defaults;
    for (unsigned n = 1; n < 100; ++n) {
      auto pause = defaults.after_failed_claim.delay(n, random);
      EXPECT_GE(pause, 200ms);
      EXPECT_LE(pause, 5s);
    }
  }
}

TEST_F(scheduler_test, notifications_do_not_shorten_the_pause) {
  world_.claim_error = failure{errc::database_unavailable, ""};
  random_ = 0;
  start();
  for (int i = 0; i < 10; ++i)
    notify();
  EXPECT_EQ(world_.claims.size(), 1u);
  advance(200ms);
  EXPECT_EQ(world_.claims.size(), 2u);
}

TEST_F(scheduler_test, a_tick_by_http_does_not_wait_for_the_pause) {
  world_.claim_error = failure{errc::database_unavailable, ""};
  start();
  world_.claim_error.reset();
  EXPECT_THAT(tick()->value->errors, IsEmpty());
  EXPECT_EQ(world_.claims.size(), 2u);
}

TEST_F(scheduler_test, a_claim_without_an_answer_times_out) {
  world_.hold_claims = true;
  start();
  advance(10s);
  EXPECT_THAT(trouble_, ElementsAre("claim: database_timeout"));
  world_.hold_claims = false;
  advance(1s);
  EXPECT_EQ(world_.claims.size(), 2u);
}

TEST_F(scheduler_test, a_dead_claimer_is_an_error_like_any_other) {
  start();
  caf::anon_send_exit(claimer_, caf::exit_reason::kill);
  run();
  advance(120s, 1s);
  EXPECT_THAT(trouble_, testing::Contains("claim: cancelled"));
  EXPECT_FALSE(status().draining); // it lives
}

// -- runs -------------------------------------------------------------------------------------------

TEST_F(scheduler_test, a_failing_run_disturbs_no_other) {
  config_.tick_enabled = false;
  start();
  add_work({"m1", "m2", "m3"});
  auto answer = tick();
  finish("m2", failed("m2", errc::llm_timeout));
  EXPECT_TRUE(running("m1"));
  EXPECT_TRUE(running("m3"));
  finish("m1");
  finish("m3");
  EXPECT_EQ(answer->value->plans_written, 2u);
  EXPECT_THAT(answer->value->errors, ElementsAre("m2: llm_timeout"));
  EXPECT_EQ(ended_.size(), 3u);
}

TEST_F(scheduler_test, a_planner_that_dies_is_an_error_and_its_lease_is_handed_back) {
  start();
  add_work({"m1", "m2"});
  auto answer = tick();
  crash("m1");
  EXPECT_THAT(world_.hand_backs, ElementsAre(ElementsAre(due_mission("m1").held)));
  EXPECT_TRUE(running("m2"));
  finish("m2");
  EXPECT_THAT(answer->value->errors, ElementsAre("m1: internal (planner ended without a report)"));
  ASSERT_EQ(ended_.size(), 2u);
  EXPECT_EQ(ended_[0].error, errc::internal);
  EXPECT_FALSE(ended_[0].ended);
  EXPECT_EQ(in_flight_, 0u);
}

TEST_F(scheduler_test, each_run_has_a_trace_of_its_own_which_outlives_its_planner) {
  tracer_ = tracing::tracer{tracing::trace_id_ratio_sampler{0}};
  start();
  add_work({"m1", "m2"});
  auto answer = tick();
  ASSERT_EQ(spans_.size(), 2u);
  auto& first = spans_["t-m1"].context;
  EXPECT_TRUE(first.valid());
  EXPECT_FALSE(first.trace == spans_["t-m2"].context.trace);
  crash("m1");
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].span.context, first);
  finish("m2");
}

TEST_F(scheduler_test, what_a_dead_planner_left_is_claimed_again_after_a_pause) {
  random_ = 0;
  start();
  add_work({"m1"});
  notify();
  auto before = world_.claims.size();
  crash("m1");
  EXPECT_EQ(world_.claims.size(), before);
  advance(200ms);
  EXPECT_EQ(world_.claims.size(), before + 1);
}

TEST_F(scheduler_test, a_planner_that_cannot_be_made_is_one_that_died) {
  start();
  add_work({"m1"});
  factory_throws_ = true;
  auto answer = tick();
  ASSERT_TRUE(answer->value);
  EXPECT_THAT(answer->value->errors, ElementsAre("m1: internal (no planner)"));
  EXPECT_THAT(world_.hand_backs, ElementsAre(ElementsAre(due_mission("m1").held)));
  factory_throws_ = false;
  add_work({"m2"});
  notify();
  EXPECT_TRUE(running("m2"));
}

TEST_F(scheduler_test, reports_of_unknown_runs_are_ignored) {
  start();
  caf::anon_send(scheduler_, planned("m7"));
  run();
  EXPECT_THAT(ended_, IsEmpty());
  add_work({"m1"});
  notify();
  finish("m1");
  caf::anon_send(scheduler_, planned("m1")); // a second time
  run();
  EXPECT_EQ(ended_.size(), 1u);
}

TEST_F(scheduler_test, gauges_and_counters) {
  start();
  add_work({"m1", "m2"});
  notify();
  EXPECT_EQ(claimed_, 2u);
  EXPECT_EQ(in_flight_, 2u);
  EXPECT_EQ(status().runs_in_flight, 2u);
  finish("m1");
  EXPECT_EQ(in_flight_, 1u);
  advance(30s, 1s);
  finish("m2");
  EXPECT_EQ(in_flight_, 0u);
}

} // namespace

} // namespace mana::test
