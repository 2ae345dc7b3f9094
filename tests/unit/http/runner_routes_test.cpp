#include "http/runner_routes.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace mana;
using namespace mana::http;

namespace {

const timestamp noon{1'700'000'000'123ms};

readiness_facts good() {
  readiness_facts f;
  f.database_connected = true;
  f.llm_circuit_open = false;
  f.scheduler.emplace();
  f.scheduler->tick_enabled = true;
  f.scheduler->last_tick_age = 10s;
  f.migrated = true;
  f.uptime = 1h;
  return f;
}

std::vector<std::string> failing(const readiness_facts& f) {
  std::vector<std::string> out;
  for (auto& p : failing_parts(f, 300s)) {
    EXPECT_FALSE(p.reason.empty());
    out.push_back(p.part);
  }
  return out;
}

using parts = std::vector<std::string>;

TEST(readiness, is_given_when_every_part_is_well) { EXPECT_EQ(failing(good()), parts{}); }

TEST(readiness, names_the_part_that_fails) {
  auto f = good();
  f.database_connected = false;
  EXPECT_EQ(failing(f), parts{"database"});
  f = good();
  f.migrated = false;
  EXPECT_EQ(failing(f), parts{"migrations"});
  f = good();
  f.llm_circuit_open = true;
  EXPECT_EQ(failing(f), parts{"llm_circuit"});
  f = good();
  f.scheduler->draining = true;
  EXPECT_EQ(failing(f), parts{"draining"});
}

TEST(readiness, needs_a_recent_tick_unless_ticks_are_off) {
  auto f = good();
  f.scheduler->last_tick_age = 300s;
  EXPECT_EQ(failing(f), parts{});
  f.scheduler->last_tick_age = 301s;
  EXPECT_EQ(failing(f), parts{"tick"});
  f.scheduler->tick_enabled = false;
  EXPECT_EQ(failing(f), parts{});
}

TEST(readiness, gives_the_first_tick_time_from_the_start) {
  auto f = good();
  f.scheduler->last_tick_age.reset();
  f.uptime = 5s;
  EXPECT_EQ(failing(f), parts{});
  f.uptime = 301s;
  EXPECT_EQ(failing(f), parts{"tick"});
}

TEST(readiness, fails_for_actors_that_do_not_answer) {
  EXPECT_EQ(failing(readiness_facts{}), (parts{"database", "migrations", "tick", "llm_circuit"}));
}

TEST(tick_json, is_the_contract_s) {
  tick_report r;
  r.scanned_at = noon;
  r.due = 4;
  r.plans_produced = 3;
  r.plans_written = 2;
  r.parse_failures = 1;
  r.errors = {"overlap-skipped", "m1: \"x\""};
  EXPECT_EQ(tick_json(r), R"({"scannedAt":"2023-11-14T22:13:20.123Z","dueMissionCount":4,"plansProduced":3,)"
                          R"("plansWrittenBack":2,"parseFailures":1,"errors":["overlap-skipped","m1: \"x\""]})");
}

TEST(missions_json, has_nulls_for_what_is_absent) {
  mission_status idle;
  idle.id.value = "m1";
  idle.title = "Rad fahren";
  idle.state = "paused";
  idle.not_running_because = "paused";
  mission_status busy = idle;
  busy.id.value = "m2";
  busy.state = "active";
  busy.next_run_at = busy.retry_at = busy.lease_until = noon;
  busy.lease_owner = "r1";
  busy.attempts = 2;
  busy.last_error = "llm_timeout: no answer";
  busy.not_running_because = "running";
  EXPECT_EQ(missions_json({noon, {idle, busy}, {}}),
            R"({"now":"2023-11-14T22:13:20.123Z","missions":[)"
            R"({"id":"m1","title":"Rad fahren","state":"paused","nextRunAt":null,"retryAt":null,"leaseUntil":null,)"
            R"("leaseOwner":null,"attempts":0,"lastError":null,"notRunningBecause":"paused"},)"
            R"({"id":"m2","title":"Rad fahren","state":"active","nextRunAt":"2023-11-14T22:13:20.123Z",)"
            R"("retryAt":"2023-11-14T22:13:20.123Z","leaseUntil":"2023-11-14T22:13:20.123Z","leaseOwner":"r1",)"
            R"("attempts":2,"lastError":"llm_timeout: no answer","notRunningBecause":"running"}],)"
            R"("budget":{"runsThisHour":0,"runsPerHour":null,"tokensToday":0,"tokensPerDay":null,"waitsUntil":null}})");
}

TEST(missions_json, says_what_the_user_has_used_and_until_when_a_spent_budget_holds) {
  EXPECT_EQ(missions_json({noon, {}, {12, 60, 36'000, 40'000, noon + 1h}}),
            R"({"now":"2023-11-14T22:13:20.123Z","missions":[],)"
            R"("budget":{"runsThisHour":12,"runsPerHour":60,"tokensToday":36000,"tokensPerDay":40000,)"
            R"("waitsUntil":"2023-11-14T23:13:20.123Z"}})");
}

} // namespace
