// What operators read of a user's missions.
#include "actors/mission_claimer/claim_queries.hpp"
#include "actors/mission_directory/mission_directory_actor.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "tests/postgres/database_fixture.hpp"

namespace mana {
namespace {

using namespace std::chrono_literals;

struct directory : testing::database_fixture {};

TEST_F(directory, says_of_each_mission_of_one_user_why_it_is_not_running) {
  insert_mission("u1", "running", "2026-03-01T08:00:00.000Z");
  insert_mission("u1", "due", "2026-03-02T08:00:00.000Z");
  insert_mission("u1", "later", "2099-03-01T08:00:00.000Z");
  insert_mission("u1", "paused", "2099-03-02T08:00:00.000Z");
  append("u1", "paused", "update", R"({"state":"paused"})", R"({"state":"2026-02-01T00:00:00.000Z"})");
  insert_mission("u2", "other", "2026-03-01T08:00:00.000Z");
  pg::connection runner{runner_url()};
  refresh_batch(runner, 500, {});
  claim_due_missions(runner, {1, 1}, {15s, "replica-a"});
  claim_due_missions(runner, {1, 1}, {15s, "replica-a"});
  auto list = list_missions_of(runner, {"u1"}, 8, {}, false);
  ASSERT_EQ(list.missions.size(), 4u);
  EXPECT_EQ(list.missions[0].id.value, "running");
  EXPECT_EQ(list.missions[0].not_running_because, "running");
  EXPECT_EQ(list.missions[0].lease_owner, "replica-a");
  EXPECT_EQ(list.missions[0].attempts, 1u);
  ASSERT_TRUE(list.missions[0].lease_until);
  EXPECT_GT(*list.missions[0].lease_until, list.now);
  EXPECT_EQ(list.missions[1].not_running_because, "due");
  EXPECT_EQ(list.missions[2].not_running_because, "not-due");
  EXPECT_EQ(list.missions[3].not_running_because, "paused");
  EXPECT_EQ(list_missions_of(runner, {"u1"}, 1, {}, false).missions[1].not_running_because, "over-the-users-limit");
  EXPECT_EQ(list_missions_of(runner, {"u1"}, 8, {}, true).missions[1].not_running_because, "circuit-open");
}

TEST_F(directory, an_unknown_user_has_an_empty_list_with_the_databases_time) {
  pg::connection runner{runner_url()};
  auto list = list_missions_of(runner, {"nobody"}, 8, {}, false);
  EXPECT_TRUE(list.missions.empty());
  EXPECT_GT(list.now, *parse_iso("2026-01-01T00:00:00.000Z"));
}

} // namespace
} // namespace mana
