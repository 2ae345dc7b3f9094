// The pure bookkeeping of the scheduler: run_ledger, tick_progress, backoff.
#include "actors/scheduler/backoff.hpp"
#include "actors/scheduler/run_ledger.hpp"
#include "actors/scheduler/tick_progress.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr run_ledger::time_point at(std::chrono::milliseconds t) { return run_ledger::time_point{t}; }

lease lease_of(const std::string& mission, const std::string& user = "u") {
  return {{{user}, {mission}}, {"t-" + mission}};
}

run_entry entry(const std::string& mission, const std::string& user = "u", bool awaited = false) {
  return {lease_of(mission, user), {}, 1, at(15s), awaited, {}, {}};
}

TEST(run_ledger_test, places) {
  run_ledger ledger{2, 8};
  EXPECT_EQ(ledger.free_places(), 2u);
  EXPECT_TRUE(ledger.add(entry("m1")));
  EXPECT_TRUE(ledger.add(entry("m2")));
  EXPECT_EQ(ledger.free_places(), 0u);
  EXPECT_TRUE(ledger.add(entry("m3"))); // one too many is held all the same
  EXPECT_EQ(ledger.free_places(), 0u);
  EXPECT_EQ(ledger.size(), 3u);
  ledger.remove({"t-m1"});
  ledger.remove({"t-m2"});
  EXPECT_EQ(ledger.free_places(), 1u);
}

TEST(run_ledger_test, a_lease_is_known_once) {
  run_ledger ledger{2, 8};
  EXPECT_TRUE(ledger.add(entry("m1", "u", true)));
  EXPECT_FALSE(ledger.add(entry("m1", "u", true)));
  EXPECT_EQ(ledger.size(), 1u);
  EXPECT_EQ(ledger.awaited(), 1u);
  EXPECT_TRUE(ledger.remove({"t-m1"}));
  EXPECT_FALSE(ledger.remove({"t-m1"}));
  EXPECT_EQ(ledger.awaited(), 0u);
  EXPECT_FALSE(ledger.find({"t-m1"}));
}

TEST(run_ledger_test, awaited_runs) {
  run_ledger ledger{8, 8};
  ledger.add(entry("m1"));
  EXPECT_EQ(ledger.awaited(), 0u);
  ledger.await_all();
  ledger.await_all();
  ledger.add(entry("m2", "u", true));
  ledger.add(entry("m3"));
  EXPECT_EQ(ledger.awaited(), 2u);
  EXPECT_FALSE(ledger.remove({"t-m3"})->awaited);
  EXPECT_TRUE(ledger.remove({"t-m1"})->awaited);
  EXPECT_EQ(ledger.awaited(), 1u);
}

TEST(run_ledger_test, the_limit_of_a_user) {
  run_ledger ledger{8, 2};
  EXPECT_FALSE(ledger.at_user_limit({"u"}));
  ledger.add(entry("m1"));
  ledger.add(entry("m2", "other"));
  EXPECT_FALSE(ledger.at_user_limit({"u"}));
  ledger.add(entry("m3"));
  EXPECT_TRUE(ledger.at_user_limit({"u"}));
  EXPECT_FALSE(ledger.at_user_limit({"other"}));
  ledger.remove({"t-m1"});
  EXPECT_FALSE(ledger.at_user_limit({"u"}));
}

TEST(run_ledger_test, overdue_leases) {
  run_ledger ledger{8, 8};
  ledger.add(entry("m1"));
  ledger.add(entry("m2"));
  EXPECT_THAT(ledger.overdue(at(14'999ms)), IsEmpty());
  ledger.renew(std::vector{lease_of("m2"), lease_of("unknown")}, at(20s));
  EXPECT_THAT(ledger.overdue(at(15s)), ElementsAre(lease_of("m1")));
  EXPECT_THAT(ledger.overdue(at(20s)), UnorderedElementsAre(lease_of("m1"), lease_of("m2")));
}

TEST(run_ledger_test, a_run_is_stopped_once_and_not_renewed_after) {
  run_ledger ledger{8, 8};
  ledger.add(entry("m1"));
  ledger.add(entry("m2"));
  EXPECT_TRUE(ledger.stop({"t-m1"}, errc::lease_lost));
  EXPECT_FALSE(ledger.stop({"t-m1"}, errc::shutting_down));
  EXPECT_FALSE(ledger.stop({"t-m9"}, errc::shutting_down));
  EXPECT_EQ(ledger.find({"t-m1"})->stopping, errc::lease_lost);
  EXPECT_THAT(ledger.leases(), ElementsAre(lease_of("m2")));
  EXPECT_THAT(ledger.overdue(at(15s)), ElementsAre(lease_of("m2")));
}

TEST(tick_progress_test, the_phases) {
  tick_progress tick;
  EXPECT_FALSE(tick.running());
  tick.refreshed();
  tick.stop_claiming();
  EXPECT_FALSE(tick.running()); // late answers of an earlier tick change nothing
  tick.begin(at(1s), *parse_iso("2026-01-01T00:00:00Z"), 1);
  EXPECT_TRUE(tick.takes_claims());
  EXPECT_FALSE(tick.claiming());
  tick.refreshed();
  EXPECT_TRUE(tick.claiming());
  tick.add_runs(2);
  tick.claimed(*parse_iso("2026-01-02T00:00:00Z"), more_to_claim::at_once);
  EXPECT_TRUE(tick.claiming());
  tick.claimed(*parse_iso("2026-01-03T00:00:00Z"), more_to_claim::none);
  EXPECT_TRUE(tick.finishing());
  EXPECT_FALSE(tick.takes_claims());
  tick.refreshed();
  EXPECT_TRUE(tick.finishing());
  EXPECT_TRUE(tick.well());
  auto report = tick.end();
  EXPECT_EQ(report.due, 3u);
  EXPECT_EQ(to_iso(report.scanned_at), "2026-01-03T00:00:00.000Z");
  EXPECT_FALSE(tick.running());
}

TEST(tick_progress_test, a_new_tick_starts_empty) {
  tick_progress tick;
  tick.begin(at(1s), {}, 4);
  tick.failed("claim: internal");
  EXPECT_FALSE(tick.well());
  tick.begin(at(2s), {}, 0);
  EXPECT_TRUE(tick.well());
  EXPECT_EQ(tick.started(), at(2s));
  auto report = tick.end();
  EXPECT_EQ(report.due, 0u);
  EXPECT_THAT(report.errors, IsEmpty());
}

TEST(tick_progress_test, a_written_failure_is_no_written_plan) {
  tick_progress tick;
  tick.begin(at(1s), {}, 1);
  run_finished run;
  run.held = lease_of("m1");
  run.written = true;
  run.error = errc::llm_refused;
  run.parse_failures = 2;
  tick.run_ended(run);
  auto report = tick.end();
  EXPECT_EQ(report.plans_produced, 0u);
  EXPECT_EQ(report.plans_written, 0u);
  EXPECT_EQ(report.parse_failures, 2u);
  EXPECT_THAT(report.errors, ElementsAre("m1: llm_refused"));
}

TEST(backoff_test, doubles_up_to_its_maximum) {
  backoff b{.least = 100ms, .base = 1s, .max = 10s};
  EXPECT_EQ(b.delay(1, 0.0), 100ms);
  EXPECT_EQ(b.delay(50, 0.0), 100ms);
  EXPECT_EQ(b.delay(1, 1.0), 1s);
  EXPECT_EQ(b.delay(2, 1.0), 2s);
  EXPECT_EQ(b.delay(4, 1.0), 8s);
  EXPECT_EQ(b.delay(5, 1.0), 10s);
  EXPECT_EQ(b.delay(4'000'000'000u, 1.0), 10s);
  EXPECT_EQ(b.delay(2, 0.5), 1'050ms);
}

TEST(backoff_test, odd_arguments_stay_within_the_bounds) {
  backoff b{.least = 100ms, .base = 1s, .max = 10s};
  EXPECT_EQ(b.delay(0, 1.0), 1s);
  EXPECT_EQ(b.delay(1, 7.0), 1s);
  EXPECT_EQ(b.delay(1, -7.0), 100ms);
  EXPECT_EQ((backoff{.least = 5s, .base = 1s, .max = 2s}.delay(3, 0.5)), 5s);
  EXPECT_EQ((backoff{.least = 0s, .base = 0s, .max = 2s}.delay(3, 0.5)), 0s);
}

} // namespace

} // namespace mana::test
