// Runs of tabs, with a fake database and a fake refresher: when which is asked. What the statements do is tested on a
// real database.
#include "actors/foreground_runs/foreground_runs_actor.hpp"

#include "infra/postgres/connection.hpp"
#include "tests/actors/virtual_time.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

using namespace std::chrono_literals;

struct world {
  std::size_t unfolded = 0; // so many jobs find edits that wait
  std::optional<failure> refresh_fails;
  std::optional<failure> refused;
  std::size_t refreshes = 0;
  std::vector<std::string> jobs;

  database_answer answer(const std::string& name) {
    jobs.push_back(name);
    if (name == "renew_foreground")
      return {refused ? result<foreground_run_renewed>{*refused} : foreground_run_renewed{timestamp{5s}}};
    bool waits = unfolded > 0;
    unfolded -= waits ? 1 : 0;
    if (name == "end_foreground")
      return {waits ? std::optional<foreground_run_ended>{} : foreground_run_ended{true}};
    std::optional<result<foreground_run>> claimed;
    if (!waits)
      claimed = refused ? result<foreground_run>{*refused}
                        : result<foreground_run>{foreground_run{{"t"}, timestamp{1s}, "i", timestamp{2s}}};
    return {claimed};
  }
};

database_actor::behavior_type fake_database(database_actor::pointer, world* w) {
  return {[=](database_job& job) { return w->answer(job.name); },
          [](get_database_status) { return database_status{}; }};
}

snapshot_refresher_actor::behavior_type fake_refresher(snapshot_refresher_actor::pointer, world* w) {
  return {[=](refresh_snapshots) -> caf::result<snapshots_refreshed> {
            ++w->refreshes;
            if (w->refresh_fails)
              return to_caf(*w->refresh_fails);
            return snapshots_refreshed{};
          },
          [](log_changed) {}};
}

struct foreground_runs_test : test::virtual_time {
  foreground_runs_test() {
    foreground_deps deps;
    deps.database = keep(sys_.spawn(fake_database, &world_));
    deps.refresher = keep(sys_.spawn(fake_refresher, &world_));
    deps.run_given_back = [this] { ++given_back_; };
    runs_ = keep(sys_.spawn<foreground_runs>(foreground_config{}, std::move(deps)));
  }
  auto claim() { return ask<foreground_run>(runs_, claim_foreground_run{held_.key}); }
  auto end() { return ask<foreground_run_ended>(runs_, end_foreground_run{held_}); }

  const lease held_{{{"u"}, {"m"}}, {"t"}};
  world world_;
  std::size_t given_back_ = 0;
  foreground_runs_actor runs_;
};

TEST_F(foreground_runs_test, a_claim_is_one_job) {
  auto o = claim();
  ASSERT_TRUE(o->value);
  EXPECT_EQ(o->value->iteration_id, "i");
  EXPECT_EQ(world_.refreshes, 0u);
}

TEST_F(foreground_runs_test, edits_that_wait_are_folded_first) {
  world_.unfolded = 2;
  EXPECT_TRUE(claim()->value);
  EXPECT_EQ(world_.refreshes, 2u);
  world_.unfolded = 1;
  EXPECT_TRUE(end()->value);
  EXPECT_EQ(world_.refreshes, 3u);
}

TEST_F(foreground_runs_test, a_mission_that_keeps_changing_is_given_up) {
  world_.unfolded = 100;
  auto o = claim();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(to_failure(*o->error).code, errc::database_conflict);
  EXPECT_EQ(world_.refreshes, 3u);
}

TEST_F(foreground_runs_test, a_refresh_that_fails_fails_the_request) {
  world_.unfolded = 1;
  world_.refresh_fails = failure{errc::database_unavailable, ""};
  auto o = end();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(to_failure(*o->error).code, errc::database_unavailable);
  EXPECT_EQ(given_back_, 0u);
}

TEST_F(foreground_runs_test, a_refusal_keeps_its_words) {
  world_.refused = failure{errc::mission_not_due, "the mission is not due before then"};
  auto o = claim();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(to_failure(*o->error), *world_.refused);
}

TEST_F(foreground_runs_test, replicas_hear_of_a_run_that_was_given_back) {
  EXPECT_TRUE(end()->value);
  EXPECT_EQ(given_back_, 1u);
}

TEST_F(foreground_runs_test, a_renewal_says_until_when_or_that_the_lease_is_lost) {
  auto o = ask<foreground_run_renewed>(runs_, renew_foreground_run{held_});
  ASSERT_TRUE(o->value);
  EXPECT_EQ(o->value->lease_until, timestamp{5s});
  world_.refused = failure{errc::lease_lost, ""};
  auto lost = ask<foreground_run_renewed>(runs_, renew_foreground_run{held_});
  ASSERT_TRUE(lost->error);
  EXPECT_EQ(to_failure(*lost->error).code, errc::lease_lost);
}

} // namespace
} // namespace mana
