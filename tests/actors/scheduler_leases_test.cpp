// Leases while runs live, and the way out.
#include "tests/actors/scheduler_fixture.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

lease lease_of(const std::string& mission) { return due_mission(mission).held; }

// -- renewal ----------------------------------------------------------------------------------------

TEST_F(scheduler_test, renews_all_leases_every_third_of_a_lease) {
  start();
  add_work({"m1", "m2"});
  notify();
  advance(4'900ms);
  EXPECT_THAT(world_.renewals, IsEmpty());
  advance(100ms);
  EXPECT_THAT(world_.renewals, ElementsAre(UnorderedElementsAre(lease_of("m1"), lease_of("m2"))));
  finish("m1");
  advance(5s);
  EXPECT_EQ(world_.renewals.size(), 2u);
  EXPECT_THAT(world_.renewals.back(), ElementsAre(lease_of("m2")));
  advance(10 * 60s, 1s);
  EXPECT_TRUE(running("m2"));
  EXPECT_EQ(lost_, 0u);
}

TEST_F(scheduler_test, a_lost_lease_stops_that_run_alone) {
  start();
  add_work({"m1", "m2"});
  auto answer = tick();
  world_.lose = {lease_of("m1")};
  advance(5s);
  EXPECT_FALSE(running("m1"));
  EXPECT_TRUE(running("m2"));
  EXPECT_EQ(lost_, 1u);
  EXPECT_THAT(world_.hand_backs, IsEmpty());
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].error, errc::lease_lost);
  finish("m2");
  EXPECT_THAT(answer->value->errors, ElementsAre("m1: lease_lost"));
}

TEST_F(scheduler_test, a_lease_that_the_writer_found_lost_is_counted_once) {
  start();
  add_work({"m1"});
  notify();
  auto report = failed("m1", errc::lease_lost);
  report.ended.reset();
  finish("m1", report);
  EXPECT_EQ(lost_, 1u);
  EXPECT_THAT(world_.hand_backs, IsEmpty());
}

TEST_F(scheduler_test, an_unknown_lost_lease_is_ignored) {
  start();
  world_.lose = {lease_of("m9")};
  advance(5s);
  EXPECT_EQ(lost_, 0u);
}

TEST_F(scheduler_test, runs_outlive_renewals_that_fail_for_less_than_a_lease) {
  start();
  add_work({"m1"});
  notify();
  world_.renew_error = failure{errc::database_unavailable, ""};
  advance(14'900ms);
  EXPECT_TRUE(running("m1"));
  world_.renew_error.reset();
  EXPECT_THAT(trouble_, ElementsAre("renew: database_unavailable", "renew: database_unavailable"));
}

TEST_F(scheduler_test, runs_are_stopped_when_renewals_fail_for_a_whole_lease) {
  start();
  add_work({"m1"});
  notify();
  advance(6s); // renewed at 5 s
  world_.renew_error = failure{errc::database_unavailable, ""};
  add_work({"m2"});
  notify(); // claimed at 6 s
  advance(13'900ms);
  EXPECT_TRUE(running("m1"));
  EXPECT_TRUE(running("m2"));
  advance(100ms); // 20 s: the lease of 5 s may have ended
  EXPECT_FALSE(running("m1"));
  EXPECT_TRUE(running("m2"));
  advance(5s);
  EXPECT_FALSE(running("m2"));
  EXPECT_EQ(lost_, 2u);
  EXPECT_EQ(ended_.back().error, errc::lease_lost);
  EXPECT_THAT(world_.hand_backs, IsEmpty());
  world_.renew_error.reset();
  add_work({"m3"});
  notify();
  EXPECT_TRUE(running("m3"));
}

TEST_F(scheduler_test, an_idle_replica_frees_leases_of_dead_ones) {
  start();
  world_.rescue = 3;
  add_work({"m1"});
  advance(1s);
  EXPECT_EQ(rescued_, 3u);
  EXPECT_TRUE(running("m1")); // claimed at once
}

TEST_F(scheduler_test, a_replica_that_has_just_started_frees_leases_of_dead_ones) {
  world_.rescue = 3;
  start();
  EXPECT_EQ(rescued_, 3u);
}

TEST_F(scheduler_test, looks_that_take_long_take_a_tenth_of_the_time) {
  start();
  world_.hold_looks = true;
  advance(1s); // a look begins
  world_.looks = 0;
  advance(200ms);
  caf::anon_send(claimer_, release_renewals{});
  advance(1'700ms);
  EXPECT_EQ(world_.looks, 0u);
  advance(100ms);
  EXPECT_EQ(world_.looks, 1u);
  // However long they take, a dead replica's runs are looked for within a fifth of a lease.
  advance(3s);
  caf::anon_send(claimer_, release_renewals{});
  advance(2'900ms);
  EXPECT_EQ(world_.looks, 1u);
  advance(100ms);
  EXPECT_EQ(world_.looks, 2u);
}

TEST_F(scheduler_test, a_tick_claims_of_the_whole_line) {
  start();
  tick();
  EXPECT_TRUE(world_.claims.back().whole_line);
  notify();
  EXPECT_FALSE(world_.claims.back().whole_line);
}

TEST_F(scheduler_test, a_replica_that_is_leaving_frees_no_leases) {
  start();
  add_work({"m1"});
  notify();
  start_drain(25s);
  world_.rescue = 3;
  advance(10s);
  EXPECT_EQ(rescued_, 0u);
}

// -- withdrawn grants whose notice did not arrive --------------------------------------------------

TEST_F(scheduler_test, a_run_that_is_asked_to_stop_with_a_renewal_is_stopped_and_handed_back) {
  start();
  add_work({"m1", "m2"});
  notify();
  world_.stop = {lease_of("m1")};
  auto before = world_.claims.size();
  advance(5s);
  EXPECT_FALSE(running("m1"));
  EXPECT_TRUE(running("m2"));
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].error, errc::grant_revoked);
  EXPECT_THAT(world_.hand_backs, ElementsAre(ElementsAre(lease_of("m1"))));
  EXPECT_EQ(world_.crashes, 0u);
  EXPECT_EQ(lost_, 0u);
  EXPECT_GT(world_.claims.size(), before); // it is due at once
}

TEST_F(scheduler_test, a_run_that_was_stopped_by_the_notice_is_not_handed_back_again) {
  start();
  add_work({"m1"});
  notify();
  world_.hold_renewals = true;
  advance(5s); // the renewal is under way
  caf::anon_send(scheduler_, run_uses_grant{lease_of("m1"), "g"});
  caf::anon_send(scheduler_, stop_runs{stop_runs::whose::grant, "g"});
  run();
  ASSERT_THAT(world_.hand_backs, ElementsAre(ElementsAre(lease_of("m1"))));
  world_.stop = {lease_of("m1")};
  release<release_renewals>();
  EXPECT_EQ(world_.hand_backs.size(), 1u);
}

// -- crashes ----------------------------------------------------------------------------------------

TEST_F(scheduler_test, a_planner_that_dies_without_a_report_is_handed_back_as_a_crash) {
  start();
  add_work({"m1", "m2"});
  notify();
  crash("m1");
  EXPECT_THAT(world_.hand_backs, ElementsAre(ElementsAre(lease_of("m1"))));
  EXPECT_EQ(world_.crashes, 1u);
  EXPECT_EQ(crashed_, 1u);
  EXPECT_THAT(quarantined_, IsEmpty());
  EXPECT_TRUE(running("m2"));
}

TEST_F(scheduler_test, a_crash_that_could_not_be_handed_back_is_counted_when_its_lease_is_rescued) {
  start();
  add_work({"m1"});
  notify();
  world_.hand_back_error = failure{errc::database_unavailable, ""};
  crash("m1");
  EXPECT_EQ(crashed_, 0u);
  world_.rescue = 1;
  advance(5s);
  EXPECT_EQ(crashed_, 1u);
}

TEST_F(scheduler_test, a_run_that_is_stopped_is_no_crash) {
  start();
  add_work({"m1"});
  notify();
  start_drain(0s);
  advance(1ms, 1ms);
  EXPECT_EQ(world_.hand_backs.size(), 1u);
  EXPECT_EQ(world_.crashes, 0u);
  EXPECT_EQ(crashed_, 0u);
}

TEST_F(scheduler_test, a_quarantine_is_told_once_wherever_it_was_decided) {
  start();
  add_work({"m1", "m2"});
  notify();
  finish("m1", failed("m1", errc::quarantined)); // by the planner
  EXPECT_THAT(quarantined_, ElementsAre(lease_of("m1").key));
  world_.quarantine = {lease_of("m2").key}; // by the hand-back
  crash("m2");
  EXPECT_THAT(quarantined_, ElementsAre(lease_of("m1").key, lease_of("m2").key));
  world_.rescue = 1;
  world_.quarantine = {lease_of("m9").key}; // of a replica that died
  advance(5s);
  EXPECT_THAT(quarantined_, ElementsAre(lease_of("m1").key, lease_of("m2").key, lease_of("m9").key));
}

TEST_F(scheduler_test, a_quarantine_that_was_not_written_is_not_told) {
  start();
  add_work({"m1"});
  notify();
  auto report = failed("m1", errc::quarantined);
  report.ended.reset();
  finish("m1", report);
  EXPECT_THAT(quarantined_, IsEmpty());
}

// -- drain ------------------------------------------------------------------------------------------

TEST_F(scheduler_test, drain_without_runs_answers_at_once) {
  start();
  auto answer = start_drain(25s);
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->finished, 0u);
  EXPECT_EQ(answer->value->handed_back, 0u);
  EXPECT_TRUE(status().draining);
}

TEST_F(scheduler_test, drain_waits_for_runs_and_claims_no_more) {
  config_.max_runs = 2;
  start();
  add_work({"m1", "m2", "m3"});
  notify();
  auto before = world_.claims.size();
  auto answer = start_drain(25s);
  notify();
  finish("m1");
  EXPECT_FALSE(answer->value);
  EXPECT_EQ(world_.claims.size(), before);
  advance(10s); // leases are kept meanwhile
  EXPECT_EQ(world_.renewals.size(), 2u);
  finish("m2");
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->finished, 2u);
  EXPECT_EQ(answer->value->handed_back, 0u);
  advance(120s, 1s);
  EXPECT_EQ(ticks_, 1u);
  EXPECT_EQ(world_.claims.size(), before);
}

TEST_F(scheduler_test, drain_stops_stragglers_and_hands_them_back) {
  start();
  add_work({"m1", "m2", "m3"});
  notify();
  auto answer = start_drain(25s);
  finish("m2");
  advance(24'900ms);
  EXPECT_FALSE(answer->value);
  EXPECT_EQ(runs(), 2u);
  advance(100ms);
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->finished, 1u);
  EXPECT_EQ(answer->value->handed_back, 2u);
  EXPECT_THAT(world_.hand_backs, ElementsAre(UnorderedElementsAre(lease_of("m1"), lease_of("m3"))));
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(ended_.back().error, errc::shutting_down);
  EXPECT_EQ(lost_, 0u);
}

TEST_F(scheduler_test, drain_answers_even_when_leases_cannot_be_handed_back) {
  start();
  add_work({"m1"});
  notify();
  world_.hand_back_error = failure{errc::database_unavailable, ""};
  auto answer = start_drain(0s);
  advance(1ms, 1ms);
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->handed_back, 0u);
  EXPECT_THAT(trouble_, ElementsAre("hand_back: database_unavailable"));
}

TEST_F(scheduler_test, what_a_claim_brings_during_a_drain_is_handed_back) {
  start();
  world_.hold_claims = true;
  add_work({"m1"});
  notify();
  auto answer = start_drain(25s);
  EXPECT_FALSE(answer->value);
  release<release_claims>();
  EXPECT_EQ(runs(), 0u);
  EXPECT_THAT(world_.hand_backs, ElementsAre(ElementsAre(lease_of("m1"))));
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->handed_back, 1u);
}

TEST_F(scheduler_test, drain_does_not_wait_for_a_claim_beyond_the_grace) {
  start();
  world_.hold_claims = true;
  notify();
  auto answer = start_drain(2s);
  advance(1'900ms);
  EXPECT_FALSE(answer->value);
  advance(100ms);
  EXPECT_TRUE(answer->value);
}

TEST_F(scheduler_test, drain_waits_for_a_claim_that_fails) {
  start();
  world_.hold_claims = true;
  notify();
  auto answer = start_drain(60s);
  advance(10s); // the claim's timeout
  ASSERT_TRUE(answer->value);
  advance(60s, 1s);
  EXPECT_EQ(world_.claims.size(), 2u);
}

TEST_F(scheduler_test, a_planner_that_dies_during_a_drain_is_handed_back) {
  start();
  add_work({"m1"});
  notify();
  auto answer = start_drain(25s);
  crash("m1");
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->finished, 0u);
  EXPECT_EQ(answer->value->handed_back, 1u);
}

TEST_F(scheduler_test, a_tick_under_way_ends_with_the_drain) {
  config_.tick_enabled = false;
  start();
  world_.hold_refreshes = true;
  auto refreshing = tick();
  start_drain(25s);
  ASSERT_TRUE(refreshing->value);
  EXPECT_THAT(refreshing->value->errors, ElementsAre("shutting-down"));
  world_.hold_refreshes = false;
  release<release_refreshes>();
  EXPECT_THAT(world_.claims, IsEmpty());
  EXPECT_THAT(tick()->value->errors, ElementsAre("shutting-down"));
}

TEST_F(scheduler_test, a_tick_waits_for_its_runs_during_a_drain) {
  start();
  add_work({"m1"});
  auto answer = tick();
  start_drain(25s);
  EXPECT_FALSE(answer->value);
  advance(25s);
  ASSERT_TRUE(answer->value);
  EXPECT_THAT(answer->value->errors, ElementsAre("m1: shutting_down"));
}

TEST_F(scheduler_test, two_drains_get_the_same_answer) {
  start();
  add_work({"m1"});
  notify();
  auto first = start_drain(25s);
  auto second = start_drain(1s);
  advance(2s);
  EXPECT_FALSE(second->value);
  finish("m1");
  EXPECT_EQ(first->value->finished, 1u);
  EXPECT_EQ(second->value->finished, 1u);
}

TEST_F(scheduler_test, when_the_scheduler_ends_its_planners_end_and_requests_are_answered) {
  start();
  add_work({"m1"});
  auto answer = tick();
  auto drain_answer = start_drain(25s);
  caf::anon_send_exit(scheduler_, caf::exit_reason::user_shutdown);
  run();
  EXPECT_EQ(runs(), 0u);
  ASSERT_TRUE(answer->value);
  EXPECT_THAT(answer->value->errors, ElementsAre("shutting-down"));
  EXPECT_TRUE(drain_answer->value);
}

} // namespace

} // namespace mana::test
