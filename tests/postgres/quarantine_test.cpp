// Missions that end their runners, leases that ended by time, and stop notices that nobody heard, on a real
// PostgreSQL with the service's own login.
#include "actors/mission_quarantine/quarantine_queries.hpp"
#include "tests/postgres/one_mission_fixture.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct quarantine : testing::one_mission_fixture {
  void end_pause() {
    query("UPDATE mana_ai.mission_snapshots SET claimable_at = slot_at WHERE claimable_at IS NOT NULL");
    query("UPDATE mana_ai.user_turns SET queue_at = now()");
  }
  // A claim whose replica dies.
  leases_renewed crash() {
    claim_one();
    end_lease();
    return renew();
  }
  void crash_times(int n) {
    for (int i = 0; i < n; ++i) {
      crash();
      end_pause();
    }
  }

  std::string write_backs() {
    return query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'");
  }
};

// -- crashes --------------------------------------------------------------------------------------------

TEST_F(quarantine, after_its_first_crash_a_mission_is_claimable_at_once) {
  auto rescued = crash();
  EXPECT_EQ(rescued.rescued, 1u);
  EXPECT_THAT(rescued.quarantined, IsEmpty());
  EXPECT_EQ(column("crashes"), "1");
  EXPECT_EQ(column("last_error"), "lease_lost: the replica that ran this attempt did not finish");
  EXPECT_EQ(claim_one().attempt, 2u);
}

TEST_F(quarantine, after_its_second_crash_in_a_row_a_mission_rests) {
  crash();
  crash();
  EXPECT_EQ(column("crashes"), "2");
  EXPECT_EQ(column("claimable_at BETWEEN now() AND now() + interval '60 s'"), "t");
  EXPECT_THAT(claim(), IsEmpty());
  end_pause();
  EXPECT_EQ(claim_one().attempt, 3u);
}

TEST_F(quarantine, the_third_crash_still_leaves_a_claim_to_tell_the_user) {
  crash_times(3);
  EXPECT_EQ(column("crashes"), "3");
  EXPECT_EQ(column("quarantined_at"), "");
  claim_one();
}

TEST_F(quarantine, a_mission_that_ends_that_claim_too_is_quarantined_by_the_rescue) {
  crash_times(3);
  auto rescued = crash();
  EXPECT_EQ(rescued.rescued, 1u);
  EXPECT_THAT(rescued.quarantined, ElementsAre(mission));
  EXPECT_EQ(column("hold"), "quarantined");
  EXPECT_EQ(column("claimable_at"), "");
  EXPECT_EQ(column("last_error"), "quarantined: 4 runs in a row ended with their runner");
  EXPECT_EQ(query("SELECT queue_at = 'infinity' FROM mana_ai.user_turns"), "t");
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_F(quarantine, other_missions_of_the_user_are_claimed_as_ever) {
  crash_times(3);
  crash();
  insert_mission("u1", "m2", past);
  refresh();
  EXPECT_EQ(claim_one().held.key.mission.value, "m2");
}

TEST_F(quarantine, a_rescue_of_the_release_before_counts_alike) {
  claim_one();
  end_lease();
  EXPECT_EQ(runner->exec("SELECT mana_ai.rescue_missions(200)")[0][0].as<int>(), 1);
  EXPECT_EQ(column("crashes"), "1");
}

// -- planners that die ----------------------------------------------------------------------------------

TEST_F(quarantine, a_planner_that_died_counts_like_a_replica_that_died) {
  auto m = claim_one();
  auto back = release_unrun(*runner, {m.held}, true);
  EXPECT_EQ(back.missions, 1u);
  EXPECT_THAT(back.quarantined, IsEmpty());
  EXPECT_EQ(column("crashes"), "1");
  EXPECT_EQ(column("last_error"), "internal: the planner of this attempt ended");
  EXPECT_EQ(claim_one().attempt, 2u);
}

TEST_F(quarantine, the_fourth_planner_that_died_quarantines_its_mission_alone) {
  crash_times(3);
  insert_mission("u0", "m0", past);
  insert_mission("u2", "m2", past);
  refresh();
  std::vector<lease> held;
  for (auto& m : claim())
    held.push_back(m.held);
  ASSERT_EQ(held.size(), 3u);
  auto back = release_unrun(*runner, held, true);
  EXPECT_EQ(back.missions, 3u);
  EXPECT_THAT(back.quarantined, ElementsAre(mission));
}

TEST_F(quarantine, a_mission_that_is_handed_back_unrun_did_not_crash) {
  auto m = claim_one();
  EXPECT_EQ(release_unrun(*runner, {m.held}).missions, 1u);
  EXPECT_EQ(column("crashes"), "0");
  EXPECT_EQ(column("attempt"), "0");
}

TEST_F(quarantine, a_hand_back_of_the_release_before_still_works) {
  auto m = claim_one();
  EXPECT_EQ(runner
                ->exec("SELECT count(*) FROM mana_ai.hand_back_runs($1::text[], $2::text[], $3::uuid[])", "{u1}",
                       "{m1}", "{" + m.held.token.value + "}")[0][0]
                .as<int>(),
            1);
  EXPECT_EQ(column("lease_token"), "");
}

TEST_F(quarantine, a_crash_of_a_lease_that_is_not_held_changes_nothing) {
  auto m = claim_one();
  auto foreign = m.held;
  foreign.token.value = "00000000-0000-4000-8000-000000000000";
  EXPECT_EQ(release_unrun(*runner, {foreign}, true).missions, 0u);
  EXPECT_EQ(column("lease_token"), m.held.token.value);
  EXPECT_EQ(column("crashes"), "0");
}

// -- leases that ended by time --------------------------------------------------------------------------

TEST_F(quarantine, a_lease_that_ended_is_not_renewed_even_if_nobody_else_took_the_mission) {
  auto m = claim_one();
  end_lease();
  auto renewed = renew({m.held});
  EXPECT_THAT(renewed.lost, ElementsAre(m.held));
  EXPECT_EQ(renewed.rescued, 1u);
}

TEST_F(quarantine, a_plan_of_a_lease_that_ended_is_not_written_even_if_nobody_else_took_the_mission) {
  auto m = claim_one();
  end_lease();
  auto ended = end(planned(m));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::lease_lost);
  EXPECT_EQ(write_backs(), "0");
}

TEST_F(quarantine, renewal_of_the_release_before_revives_nothing_either) {
  auto m = claim_one();
  end_lease();
  auto rows = runner->exec("SELECT lost_ord FROM mana_ai.renew_leases($1::text[], $2::text[], $3::uuid[],"
                           " interval '15 s')",
                           "{u1}", "{m1}", "{" + m.held.token.value + "}");
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0]["lost_ord"].as<int>(), 1);
  EXPECT_EQ(column("lease_until <= now()"), "t");
}

// -- stop notices ---------------------------------------------------------------------------------------

struct missed_notice : quarantine {
  void SetUp() override {
    quarantine::SetUp();
    edit(R"({"grant":{"wrappedKey":"QUFB"}})", R"({"grant":"2026-02-01T00:00:01.000Z"})");
    refresh();
  }
  void withdraw() {
    edit(R"({"grant":null})", R"({"grant":"2026-02-01T00:00:02.000Z"})");
    refresh();
  }
};

TEST_F(missed_notice, a_run_whose_grant_was_withdrawn_is_told_with_its_renewal) {
  auto m = claim_one();
  EXPECT_THAT(renew({m.held}).stopped, IsEmpty());
  withdraw();
  auto renewed = renew({m.held});
  EXPECT_THAT(renewed.stopped, ElementsAre(m.held));
  EXPECT_THAT(renewed.lost, IsEmpty());
  // Until it is handed back; the next run starts afresh.
  EXPECT_THAT(renew({m.held}).stopped, ElementsAre(m.held));
  release_unrun(*runner, {m.held}, true);
  EXPECT_THAT(renew({claim_one().held}).stopped, IsEmpty());
}

TEST_F(missed_notice, a_grant_that_was_replaced_stops_the_run_too) {
  auto m = claim_one();
  edit(R"({"grant":{"wrappedKey":"QkJC"}})", R"({"grant":"2026-02-01T00:00:02.000Z"})");
  refresh();
  EXPECT_THAT(renew({m.held}).stopped, ElementsAre(m.held));
}

TEST_F(missed_notice, other_edits_stop_nothing) {
  auto m = claim_one();
  edit(R"({"title":"Neu"})", R"({"title":"2026-02-01T00:00:02.000Z"})");
  refresh();
  EXPECT_THAT(renew({m.held}).stopped, IsEmpty());
}

TEST_F(missed_notice, what_is_not_running_has_nothing_to_stop) {
  withdraw();
  EXPECT_THAT(renew({claim_one().held}).stopped, IsEmpty());
}

TEST_F(quarantine, the_first_grant_of_a_mission_stops_nothing) {
  auto m = claim_one();
  edit(R"({"grant":{"wrappedKey":"QUFB"}})", R"({"grant":"2026-02-01T00:00:01.000Z"})");
  refresh();
  EXPECT_THAT(renew({m.held}).stopped, IsEmpty());
}

// -- quarantined missions -------------------------------------------------------------------------------

struct quarantined : quarantine {
  void SetUp() override {
    quarantine::SetUp();
    crash_times(3);
    crash();
  }
};

TEST_F(quarantined, a_mission_stays_held_whatever_its_user_edits) {
  edit(R"({"state":"active","nextRunAt":"2026-03-02T08:00:00.000Z"})",
       R"({"state":"2026-02-01T00:00:01.000Z","nextRunAt":"2026-02-01T00:00:01.000Z"})");
  refresh();
  EXPECT_EQ(column("hold"), "quarantined");
  EXPECT_EQ(column("slot_at = '2026-03-02 08:00+00'"), "t");
  EXPECT_EQ(column("last_error"), "quarantined: 4 runs in a row ended with their runner");
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_F(quarantined, missions_of_all_users_are_listed_the_latest_first) {
  insert_mission("u2", "m2", past);
  refresh();
  query("UPDATE mana_ai.mission_snapshots SET claimable_at = NULL, hold = 'quarantined', last_error = 'quarantined: x',"
        " quarantined_at = '2026-03-05 08:00+00' WHERE user_id = 'u2'");
  auto list = list_quarantined_missions(*runner).missions;
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].key, mission);
  EXPECT_EQ(list[1].key, (mission_key{{"u2"}, {"m2"}}));
  EXPECT_EQ(to_iso(list[1].since), "2026-03-05T08:00:00.000Z");
  EXPECT_EQ(list[1].last_error, "quarantined: x");
  EXPECT_EQ(runner->exec("SELECT mana_ai.quarantined_count()")[0][0].as<int>(), 2);
}

TEST_F(quarantined, a_released_mission_is_due_again_and_starts_anew) {
  auto released = release_quarantined(*runner, mission);
  ASSERT_TRUE(released);
  EXPECT_TRUE(released->was_quarantined);
  EXPECT_THAT(list_quarantined_missions(*runner).missions, IsEmpty());
  EXPECT_THAT(claim(), IsEmpty()); // until it is folded
  refresh();
  auto m = claim_one();
  EXPECT_EQ(m.attempt, 1u);
  EXPECT_EQ(column("crashes"), "0");
  ASSERT_TRUE(end(planned(m)));
}

TEST_F(quarantined, a_release_does_not_run_what_its_user_has_paused_meanwhile) {
  edit(R"({"state":"paused"})", R"({"state":"2026-02-01T00:00:01.000Z"})");
  refresh();
  release_quarantined(*runner, mission);
  refresh();
  EXPECT_EQ(column("hold"), "paused");
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_F(quarantined, a_second_release_has_nothing_to_do) {
  release_quarantined(*runner, mission);
  auto again = release_quarantined(*runner, mission);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->was_quarantined);
}

TEST_F(quarantine, a_release_of_a_mission_that_is_not_quarantined_forgets_its_crashes) {
  crash();
  auto m = claim_one();
  auto released = release_quarantined(*runner, mission);
  ASSERT_TRUE(released);
  EXPECT_FALSE(released->was_quarantined);
  EXPECT_EQ(column("crashes"), "0");
  EXPECT_EQ(column("lease_token"), m.held.token.value); // the run in flight goes on
}

TEST_F(quarantine, a_release_of_what_nobody_has_says_so) {
  EXPECT_FALSE(release_quarantined(*runner, {{"u1"}, {"m9"}}));
  EXPECT_FALSE(release_quarantined(*runner, {{"u9"}, {"m1"}}));
}

TEST_F(quarantined, an_erased_user_leaves_no_quarantine) {
  runner->exec("SELECT mana_ai.erase_user('u1')");
  EXPECT_THAT(list_quarantined_missions(*runner).missions, IsEmpty());
}

} // namespace
} // namespace mana
