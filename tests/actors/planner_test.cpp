// One run of one mission, with typed fakes for all it asks.
#include "tests/actors/planner_fixture.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr auto bad_cadence = R"({"id":"m1","title":"Teeth","cadence":{"kind":"daily","atHour":99,"atMinute":0}})";

// -- the way to a plan ------------------------------------------------------------------------------

TEST_F(planner_test, a_mission_becomes_a_plan) {
  run_.attempt = 2;
  start();
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(reads_, IsEmpty()); // no inputs, no request
  ASSERT_THAT(prompts_, SizeIs(1));
  EXPECT_EQ(prompts_[0].system, "system");
  EXPECT_EQ(prompts_[0].user, "mission Teeth");
  EXPECT_EQ(iteration().text("id"), iteration_id());
  EXPECT_EQ(summary(), "plan a");
  EXPECT_EQ(iteration().text("overallStatus"), "awaiting-review");
  EXPECT_FALSE(ends_[0].unschedulable);
  EXPECT_TRUE(report().plan_produced);
  EXPECT_TRUE(report().written);
  EXPECT_EQ(report().held, run_.held);
  EXPECT_EQ(report().slot, slot);
  EXPECT_EQ(report().attempt, 2u);
  EXPECT_EQ(report().parse_failures, 0u);
}

TEST_F(planner_test, the_report_says_how_long_after_its_slot_a_run_was_claimed_and_ended) {
  writer_.answers = {failure{errc::database_unavailable, ""}, run_ended{true}};
  start();
  advance(10s, 100ms);
  expect_end(run_end::planned, std::nullopt);
  EXPECT_EQ(report().due_to_claimed, 2s);
  EXPECT_GT(report().due_to_ended, 2s);
  EXPECT_LT(report().due_to_ended, 12s);
}

TEST_F(planner_test, only_the_first_claim_of_a_slot_tells_how_long_it_waited) {
  run_.attempt = 2;
  start();
  EXPECT_EQ(report().due_to_claimed, 0s);
  EXPECT_EQ(report().due_to_ended, 2s);
}

TEST_F(planner_test, a_claim_after_a_parked_run_is_not_the_first) {
  run_.last_error = "llm_rate_limited";
  start();
  EXPECT_EQ(report().due_to_claimed, 0s);
}

TEST_F(planner_test, the_end_settles_the_tokens_of_all_calls) {
  llm_.answers = {chat_answer{"nonsense", 1, {}, 100, 20}, chat_answer{"plan b", 1, {}, 130, 50}};
  start();
  expect_end(run_end::planned, std::nullopt);
  EXPECT_EQ(ends_.back().tokens, 300);
  EXPECT_EQ(report().tokens, 300);
}

TEST_F(planner_test, a_run_that_fails_settles_what_it_used) {
  llm_.answers = {chat_answer{"nonsense", 1, {}, 100, 20}, failure{errc::llm_timeout, ""}};
  start();
  expect_end(run_end::retry, errc::llm_timeout);
  EXPECT_EQ(ends_.back().tokens, 120);
}

TEST_F(planner_test, a_manual_mission_runs_too) {
  start(R"({"id":"m1","title":"Teeth","cadence":{"kind":"manual"}})");
  expect_end(run_end::planned, std::nullopt);
}

TEST_F(planner_test, inputs_are_read_in_one_request) {
  record_ref g1{"companion", "companionGoals", "g1"}, g2{"companion", "companionGoals", "g2"};
  reader_.answers = {records_read{{{g1, R"({"id":"g1","title":"Water"})"}, {g2, "not JSON"}}}};
  start(R"({"id":"m1","title":"Teeth","cadence":{"kind":"manual"},"inputs":[
            {"module":"goals","table":"companionGoals","id":"g1"},
            {"module":"nothing we know","table":"x","id":"x1"},
            {"module":"goals","table":"companionGoals","id":"g2"},
            {"module":"goals","table":"companionGoals","id":"g1"}]})");
  expect_end(run_end::planned, std::nullopt);
  ASSERT_THAT(reads_, SizeIs(1));
  EXPECT_EQ(reads_[0].user, user_id{"u1"});
  EXPECT_THAT(reads_[0].refs, ElementsAre(g1, g2));
  ASSERT_THAT(inputs_, SizeIs(1));
  EXPECT_THAT(inputs_[0], ElementsAre(HasSubstr("Water"), HasSubstr("Water"))); // unreadable ones are left out
}

TEST_F(planner_test, a_rejected_answer_is_retried_once_with_the_reason) {
  llm_.answers = {chat_answer{"nonsense", 1, {}, 0, 0}, chat_answer{"plan b", 1, {}, 0, 0}};
  start();
  expect_end(run_end::planned, std::nullopt);
  ASSERT_THAT(prompts_, SizeIs(2));
  EXPECT_THAT(prompts_[0].user, Not(HasSubstr("nonsense")));
  EXPECT_THAT(prompts_[1].user + prompts_[1].system, HasSubstr("steps: nonsense"));
  EXPECT_EQ(summary(), "plan b");
  EXPECT_EQ(report().parse_failures, 1u);
}

TEST_F(planner_test, a_second_rejection_fails_the_attempt) {
  llm_.answers = {chat_answer{"nonsense", 1, {}, 0, 0}};
  start();
  expect_end(run_end::retry, errc::plan_rejected);
  EXPECT_THAT(prompts_, SizeIs(2));
  EXPECT_EQ(report().parse_failures, 2u);
  EXPECT_FALSE(report().plan_produced);
  EXPECT_EQ(report().detail, "steps: nonsense");
}

TEST_F(planner_test, the_model_may_take_its_time) {
  llm_.silent = true;
  start();
  advance(10min, 10s);
  EXPECT_THAT(reports_, IsEmpty()); // the client owns its deadlines
  EXPECT_FALSE(ended_);
}

// -- ends without the model -------------------------------------------------------------------------

TEST_F(planner_test, spent_attempts_end_the_slot) {
  run_.attempt = 6;
  run_.last_error = "llm_timeout: 60 s";
  start();
  expect_end(run_end::failed, errc::attempts_exhausted);
  EXPECT_THAT(prompts_, IsEmpty());
  EXPECT_EQ(iteration().text("id"), iteration_id());
  EXPECT_EQ(iteration().text("overallStatus"), "failed");
  EXPECT_THAT(summary(), HasSubstr("Nach 5 Versuchen aufgegeben: Der Sprachmodell-Dienst hat nicht rechtzeitig"));
  EXPECT_TRUE(report().written);
  EXPECT_FALSE(report().plan_produced);
}

TEST_F(planner_test, a_slot_that_has_its_iteration_is_not_planned_again) {
  auto id = iteration_id();
  run_.attempt = 6; // and not failed either
  start(R"({"id":"m1","title":"Teeth","cadence":{"kind":"manual"},"iterations":[{"id":"other"},{"id":")" + id
        + R"(","summary":"as it was","overallStatus":"approved"}]})");
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(prompts_, IsEmpty());
  EXPECT_EQ(iteration().text("id"), id);
  EXPECT_EQ(iteration().text("overallStatus"), "approved");
  EXPECT_FALSE(report().plan_produced);
}

TEST_F(planner_test, a_cadence_that_cannot_be_scheduled_fails_at_once) {
  start(bad_cadence);
  expect_end(run_end::failed, errc::cadence_invalid);
  EXPECT_THAT(prompts_, IsEmpty());
  EXPECT_TRUE(ends_[0].unschedulable);
  EXPECT_THAT(summary(), HasSubstr("Der Zeitplan der Mission ist ungültig."));
  EXPECT_THAT(summary(), HasSubstr("wenn der Zeitplan korrigiert ist."));
  EXPECT_EQ(ends_[0].error_code, errc::cadence_invalid);
  EXPECT_FALSE(ends_[0].error_detail.empty());
}

TEST_F(planner_test, a_cadence_outranks_spent_attempts) {
  run_.attempt = 6;
  start(bad_cadence);
  expect_end(run_end::failed, errc::cadence_invalid);
}

TEST_F(planner_test, records_that_are_no_mission) {
  for (auto record : {"", "{", "[]", "7"}) {
    SCOPED_TRACE(record);
    ends_.clear();
    reports_.clear();
    start(record);
    ASSERT_THAT(reports_, SizeIs(1));
    EXPECT_EQ(report().ended, run_end::failed);
    EXPECT_TRUE(ends_[0].unschedulable);
    EXPECT_EQ(iteration().text("overallStatus"), "failed");
  }
  EXPECT_THAT(prompts_, IsEmpty());
}

TEST_F(planner_test, a_mission_without_any_aim) {
  start(R"({"id":"m1","cadence":{"kind":"manual"}})");
  expect_end(run_end::failed, errc::mission_invalid);
  EXPECT_EQ(report().detail, "objective");
  EXPECT_THAT(prompts_, IsEmpty());
}

// -- failures on the way ----------------------------------------------------------------------------

TEST_F(planner_test, transient_failures_are_retried_with_backoff) {
  llm_.answers = {failure{errc::llm_timeout, "total"}};
  random_ = 0.999;
  run_.attempt = 2;
  start();
  expect_end(run_end::retry, errc::llm_timeout);
  EXPECT_FALSE(ends_[0].iteration);
  EXPECT_GT(ends_[0].retry_after, 19s);
  EXPECT_LE(ends_[0].retry_after, 20s);
  EXPECT_EQ(ends_[0].error_code, errc::llm_timeout);
  EXPECT_EQ(ends_[0].error_detail, "total");
  EXPECT_EQ(report().retry_after, ends_[0].retry_after);
}

TEST_F(planner_test, the_last_attempt_leaves_a_failed_iteration) {
  llm_.answers = {failure{errc::llm_timeout, "total"}};
  run_.attempt = 5;
  start();
  expect_end(run_end::failed, errc::llm_timeout);
  EXPECT_EQ(summary(), "Der Sprachmodell-Dienst hat nicht rechtzeitig geantwortet. "
                       "Der nächste Lauf ist wie geplant vorgesehen.");
  EXPECT_EQ(iteration().text("id"), iteration_id());
}

TEST_F(planner_test, a_refused_request_is_not_retried) {
  llm_.answers = {failure{errc::llm_refused, "status 400"}};
  start();
  expect_end(run_end::failed, errc::llm_refused);
  EXPECT_THAT(prompts_, SizeIs(1));
}

TEST_F(planner_test, a_busy_model_parks_the_run) {
  struct {
    errc code;
    const char* detail;
    std::chrono::milliseconds pause;
  } cases[] = {{errc::llm_circuit_open, "", 30s},
               {errc::llm_overloaded, "", 5s},
               {errc::llm_rate_limited, "retry_after=90", 90s}};
  run_.attempt = 5; // even then
  for (auto& c : cases) {
    SCOPED_TRACE(to_string(c.code));
    reports_.clear();
    llm_.answers = {failure{c.code, c.detail}};
    start();
    expect_end(run_end::parked, c.code);
    EXPECT_EQ(ends_.back().retry_after, c.pause);
  }
}

TEST_F(planner_test, a_model_client_that_is_gone_parks_the_run) {
  auto d = std::make_shared<planner_deps>(*deps());
  caf::anon_send_exit(d->llm, caf::exit_reason::kill);
  run();
  run_.record = std::make_shared<const std::string>(R"({"id":"m1","title":"T","cadence":{"kind":"manual"}})");
  keep(sys_.spawn<planner>(std::shared_ptr<const planner_deps>{d}, run_, fake_scheduler()));
  run();
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_EQ(report().ended, run_end::parked);
  EXPECT_EQ(report().error, errc::cancelled);
}

TEST_F(planner_test, inputs_that_cannot_be_read_fail_the_attempt) {
  reader_.answers = {failure{errc::database_unavailable, ""}};
  start(R"({"id":"m1","title":"T","cadence":{"kind":"manual"},
            "inputs":[{"module":"goals","table":"companionGoals","id":"g1"}]})");
  expect_end(run_end::retry, errc::database_unavailable);
  EXPECT_THAT(prompts_, IsEmpty());
}

TEST_F(planner_test, a_reader_without_an_answer_times_out) {
  reader_.silent = true;
  start(R"({"id":"m1","title":"T","cadence":{"kind":"manual"},
            "inputs":[{"module":"goals","table":"companionGoals","id":"g1"}]})");
  advance(14'900ms);
  EXPECT_THAT(reports_, IsEmpty());
  advance(100ms);
  expect_end(run_end::retry, errc::database_timeout);
  EXPECT_EQ(report().read, 15s);
  EXPECT_EQ(report().llm, 0s);
}

TEST_F(planner_test, a_defect_fails_the_run_and_tells_no_secret) {
  llm_.answers = {chat_answer{"throw", 1, {}, 0, 0}};
  start();
  expect_end(run_end::retry, errc::internal);
  EXPECT_THAT(report().detail, HasSubstr("parse"));
  EXPECT_THAT(report().detail, Not(HasSubstr("secret")));
}

// -- writing the end --------------------------------------------------------------------------------

TEST_F(planner_test, a_failing_write_is_repeated) {
  writer_.answers = {failure{errc::database_unavailable, ""}, failure{errc::database_timeout, ""}, run_ended{true}};
  start();
  EXPECT_THAT(ends_, SizeIs(1));
  EXPECT_THAT(reports_, IsEmpty());
  advance(100ms);
  EXPECT_THAT(ends_, SizeIs(2));
  advance(100ms);
  EXPECT_THAT(ends_, SizeIs(3));
  expect_end(run_end::planned, std::nullopt);
  EXPECT_TRUE(report().written);
  EXPECT_THAT(prompts_, SizeIs(1)); // the plan is kept
}

TEST_F(planner_test, a_plan_outlives_half_a_minute_without_a_database) {
  writer_.answers = {failure{errc::database_unavailable, "down"}};
  random_ = 0.5;
  start();
  advance(30s);
  EXPECT_THAT(reports_, IsEmpty());
  writer_.answers = {run_ended{true}};
  advance(4s);
  expect_end(run_end::planned, std::nullopt);
  EXPECT_TRUE(report().written);
  EXPECT_THAT(prompts_, SizeIs(1));
}

TEST_F(planner_test, writes_are_not_repeated_for_ever) {
  writer_.answers = {failure{errc::database_unavailable, "down"}};
  random_ = 0.999;
  start();
  advance(120s);
  EXPECT_THAT(ends_, SizeIs(20));
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_TRUE(ended_);
  EXPECT_FALSE(report().ended);
  EXPECT_FALSE(report().written);
  EXPECT_TRUE(report().plan_produced);
  EXPECT_EQ(report().error, errc::database_unavailable);
}

TEST_F(planner_test, the_first_reason_is_reported_when_its_end_cannot_be_written) {
  llm_.answers = {failure{errc::llm_failed, "status 500"}};
  writer_.answers = {failure{errc::database_read_only, ""}};
  start();
  advance(10s);
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_FALSE(report().ended);
  EXPECT_EQ(report().error, errc::llm_failed);
  EXPECT_EQ(report().detail, "status 500; end not written: database_read_only");
}

TEST_F(planner_test, a_writer_without_an_answer_times_out) {
  writer_.silent = true;
  start();
  advance(15s);
  EXPECT_THAT(ends_, SizeIs(1));
  writer_.silent = false;
  advance(100ms);
  expect_end(run_end::planned, std::nullopt);
  EXPECT_EQ(report().write, 15s);
}

TEST_F(planner_test, a_lost_lease_ends_the_run_without_another_word) {
  writer_.answers = {failure{errc::lease_lost, ""}};
  start();
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_TRUE(ended_);
  EXPECT_THAT(ends_, SizeIs(1));
  EXPECT_EQ(report().error, errc::lease_lost);
  EXPECT_FALSE(report().ended);
}

TEST_F(planner_test, a_lease_lost_while_a_failure_is_written) {
  llm_.answers = {failure{errc::llm_failed, "status 500"}};
  writer_.answers = {failure{errc::lease_lost, ""}};
  start();
  EXPECT_EQ(report().error, errc::lease_lost);
  EXPECT_THAT(ends_, SizeIs(1));
}

TEST_F(planner_test, a_plan_that_the_database_refuses_ends_the_attempt) {
  writer_.answers = {failure{errc::database_refused, "22P05"}, run_ended{false}};
  start();
  EXPECT_THAT(ends_, SizeIs(2));
  EXPECT_EQ(ends_[0].how, run_end::planned);
  expect_end(run_end::retry, errc::database_refused);
}

TEST_F(planner_test, a_writer_that_refuses_everything_is_asked_twice) {
  writer_.answers = {failure{errc::database_refused, "42501"}};
  start();
  advance(60s, 1s);
  EXPECT_THAT(ends_, SizeIs(2));
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_FALSE(report().ended);
  EXPECT_EQ(report().error, errc::database_refused);
}

// -- stopped from outside ---------------------------------------------------------------------------

TEST_F(planner_test, an_exit_ends_the_run_at_once_without_a_report) {
  llm_.silent = true;
  start();
  EXPECT_FALSE(ended_);
  caf::anon_send_exit(planner_, caf::exit_reason::user_shutdown);
  run();
  EXPECT_TRUE(ended_);
  EXPECT_THAT(reports_, IsEmpty());
  EXPECT_THAT(ends_, IsEmpty());
}

TEST_F(planner_test, an_exit_between_two_writes) {
  writer_.answers = {failure{errc::database_unavailable, ""}};
  start();
  caf::anon_send_exit(planner_, caf::exit_reason::user_shutdown);
  run();
  advance(10s);
  EXPECT_THAT(ends_, SizeIs(1));
  EXPECT_THAT(reports_, IsEmpty());
}

// -- with the real scheduler ------------------------------------------------------------------------

TEST_F(planner_test, a_tick_from_claim_to_report) {
  surroundings world;
  llm_.answers = {chat_answer{"plan a", 1, {}, 0, 0}, failure{errc::llm_refused, "status 400"}};
  for (auto mission : {"m1", "m2"}) {
    auto due = due_mission(mission);
    due.record = std::make_shared<const std::string>(R"({"title":"Teeth","cadence":{"kind":"manual"}})");
    world.due.push_back(due);
  }
  scheduler_config rules;
  rules.tick_enabled = false;
  scheduler_deps around;
  around.claimer = keep(sys_.spawn(fake_claimer, &world));
  around.refresher = keep(sys_.spawn(fake_refresher, &world));
  around.now = [] { return slot; };
  around.random = [] { return 0.5; };
  around.make_planner = [this, shared = deps()](const claimed_mission& m, const started_span& span,
                                                const scheduler_actor& s) {
    return caf::actor_cast<caf::actor>(sys_.spawn<planner>(shared, m, s, span));
  };
  auto answer = ask<tick_report>(keep(sys_.spawn<scheduler>(rules, std::move(around))), run_tick{});
  ASSERT_TRUE(answer->value);
  EXPECT_EQ(answer->value->due, 2u);
  EXPECT_EQ(answer->value->plans_written, 1u);
  EXPECT_THAT(answer->value->errors, ElementsAre("m2: llm_refused (status 400)"));
  EXPECT_THAT(world.hand_backs, IsEmpty());
  EXPECT_THAT(ends_, SizeIs(2));
}

} // namespace

} // namespace mana::test
