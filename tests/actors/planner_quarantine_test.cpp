// Missions that ended their runner before, and the clock that a planner goes by.
#include "tests/actors/planner_fixture.hpp"
#include "tests/granted_record.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// -- quarantine ---------------------------------------------------------------------------------------

TEST_F(planner_test, a_mission_that_ended_its_runner_three_times_is_quarantined_unrun) {
  run_.crashes = 3;
  start();
  expect_end(run_end::failed, errc::quarantined);
  EXPECT_TRUE(ends_.back().quarantine);
  EXPECT_EQ(ends_.back().error_detail, "3 runs in a row ended with their runner");
  EXPECT_EQ(iteration().text("overallStatus"), "failed");
  EXPECT_EQ(iteration().text("id"), iteration_id());
  EXPECT_THAT(summary(), HasSubstr("angehalten"));
  EXPECT_THAT(prompts_, IsEmpty());
  EXPECT_THAT(reads_, IsEmpty());
}

TEST_F(planner_test, nothing_of_a_quarantined_missions_record_is_looked_at) {
  run_.crashes = 7;
  start("{this is no record");
  expect_end(run_end::failed, errc::quarantined);
  EXPECT_FALSE(ends_.back().unschedulable); // nobody knows
}

TEST_F(planner_test, spent_attempts_do_not_hide_a_quarantine) {
  config_.retry.max_attempts = 3;
  run_.attempt = 4;
  run_.crashes = 3;
  start();
  expect_end(run_end::failed, errc::quarantined);
}

TEST_F(planner_test, a_mission_that_ended_its_runner_twice_is_run_once_more) {
  run_.attempt = 3;
  run_.crashes = 2;
  start();
  expect_end(run_end::planned, std::nullopt);
  EXPECT_FALSE(ends_.back().quarantine);
}

// -- the clock ----------------------------------------------------------------------------------------

TEST_F(planner_test, the_time_of_a_run_starts_with_its_claim_by_the_databases_clock) {
  start();
  EXPECT_THAT(prompted_at_, ElementsAre(run_.claimed_at));
}

TEST_F(planner_test, what_has_passed_since_the_claim_counts) {
  run_.record = std::make_shared<const std::string>(R"({"title":"Teeth","cadence":{"kind":"manual"}})");
  keep(sys_.spawn<planner>(deps(), run_, fake_scheduler()));
  coordinator_.advance_time(7s); // it has not run yet
  run();
  EXPECT_THAT(prompted_at_, ElementsAre(run_.claimed_at + 7s));
}

TEST_F(planner_test, a_grant_is_judged_by_the_time_of_the_claim_and_not_by_this_machines) {
  config_.keys = crypto::private_keys();
  auto grant = issue_test_grant(run_.held.key, slot, {"notes:n1"}); // expired long ago by any clock of today
  auto expires = *parse_iso(grant.text("expiresAt"));
  json::object record{{"title", "Teeth"}, {"cadence", json::object{{"kind", "manual"}}}, {"grant", grant}};
  run_.claimed_at = expires - 1s;
  start(json::to_text(record));
  EXPECT_EQ(report().grant, "opened");
  run_.claimed_at = expires + 1s;
  start(json::to_text(record));
  EXPECT_EQ(report().grant, "expired");
}

} // namespace

} // namespace mana::test
