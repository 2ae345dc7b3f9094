// Runs of browser tabs and the tokens of their calls, on a real PostgreSQL with the service's own login.
#include "actors/foreground_runs/foreground_queries.hpp"
#include "actors/llm_proxy/token_queries.hpp"
#include "actors/mission_directory/mission_directory_actor.hpp"
#include "messages/retry_after.hpp"
#include "tests/postgres/one_mission_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto far_ahead = "2099-01-01T00:00:00.000Z";

struct foreground : testing::one_mission_fixture {
  std::optional<result<foreground_run>> ask_for(const mission_key& key) {
    return claim_in_foreground(*runner, key, terms);
  }
  // As a tab would get it; fails the test where it is refused.
  lease begin(const mission_key& key = mission) {
    auto run = ask_for(key);
    if (!run || !*run) {
      ADD_FAILURE() << (run ? run->error().detail : "unfolded");
      return {key, {"00000000-0000-4000-8000-000000000000"}};
    }
    begun = **run;
    return {key, begun.token};
  }
  failure refused(const mission_key& key = mission) {
    auto run = ask_for(key);
    if (!run || *run) {
      ADD_FAILURE() << (run ? "claimed" : "unfolded");
      return {};
    }
    return run->error();
  }
  // The tab's push: its iteration and the next slot.
  void push_iteration(const std::string& next = std::string{"\""} + far_ahead + "\"") {
    append("u1", "m1", "update",
           R"({"iterations":[{"id":")" + begun.iteration_id
               + R"(","source":"browser","overallStatus":"awaiting-review","plan":[]}],"nextRunAt":)" + next
               + R"(,"updatedAt":"2026-03-01T09:00:00.000Z"})",
           R"({"iterations":"2026-03-01T09:00:00.000Z","nextRunAt":"2026-03-01T09:00:00.000Z",)"
           R"("updatedAt":"2026-03-01T09:00:00.000Z"})");
  }
  std::string turn(const std::string& expression) {
    return query("SELECT " + expression + " FROM mana_ai.user_turns WHERE user_id = 'u1'");
  }

  foreground_terms terms{15s, 8, {}};
  foreground_run begun;
};

// -- claims ---------------------------------------------------------------------------------------------

TEST_F(foreground, a_tab_gets_the_due_slot_and_nobody_else_does) {
  begin();
  EXPECT_EQ(to_iso(begun.slot), past);
  EXPECT_EQ(begun.iteration_id, iteration_id_of(mission, begun.slot));
  EXPECT_EQ(column("lease_until BETWEEN now() AND now() + interval '15 s'"), "t");
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_EQ(refused().code, errc::mission_running);
  EXPECT_EQ(column("attempt"), "0");
  EXPECT_EQ(turn("runs_in_hour"), "1");
  EXPECT_EQ(turn("served_at = '-infinity'"), "t"); // no turn in the line
  EXPECT_EQ(turn("queue_at = 'infinity'"), "t");
}

TEST_F(foreground, what_a_replica_runs_is_refused) {
  ASSERT_THAT(claim(), SizeIs(1));
  auto f = refused();
  EXPECT_EQ(f.code, errc::mission_running);
  EXPECT_THAT(f.detail, HasSubstr("at least until 20"));
}

TEST_F(foreground, missions_of_others_and_unknown_ones_are_unknown) {
  EXPECT_EQ(refused({{"u1"}, {"m2"}}).code, errc::mission_unknown);
  EXPECT_EQ(refused({{"u2"}, {"m1"}}).code, errc::mission_unknown);
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.user_turns WHERE user_id = 'u2'"), "0");
}

TEST_F(foreground, a_mission_with_a_grant_is_the_servers) {
  edit(R"({"grant":{"wrappedKey":"x"}})", R"({"grant":"2026-03-01T09:00:00.000Z"})");
  refresh();
  EXPECT_EQ(refused().code, errc::mission_has_grant);
  edit(R"({"grant":null})", R"({"grant":"2026-03-01T09:00:01.000Z"})");
  refresh();
  begin();
}

TEST_F(foreground, what_is_not_due_is_refused_with_its_time) {
  insert_mission("u1", "later", far_ahead);
  append("u1", "manual", "insert",
         R"({"id":"manual","state":"active","cadence":{"kind":"manual"},"updatedAt":"2026-01-01T00:00:00.000Z"})");
  refresh();
  auto later = refused({{"u1"}, {"later"}});
  EXPECT_EQ(later.code, errc::mission_not_due);
  EXPECT_THAT(later.detail, HasSubstr(far_ahead));
  auto manual = refused({{"u1"}, {"manual"}});
  EXPECT_EQ(manual.code, errc::mission_not_due);
  EXPECT_THAT(manual.detail, HasSubstr("no next run"));
}

TEST_F(foreground, what_waits_is_held_and_says_for_whom) {
  edit(R"({"iterations":[{"id":"i","source":"server","overallStatus":"awaiting-review"}]})",
       R"({"iterations":"2026-03-01T09:00:00.000Z"})");
  refresh();
  auto f = refused();
  EXPECT_EQ(f.code, errc::mission_held);
  EXPECT_THAT(f.detail, HasSubstr("reviewed"));
  edit(R"({"state":"paused"})", R"({"state":"2026-03-01T09:00:00.000Z"})");
  refresh();
  EXPECT_THAT(refused().detail, HasSubstr("paused"));
  query("UPDATE mana_ai.mission_snapshots SET quarantined_at = now(), hold = 'quarantined'");
  EXPECT_THAT(refused().detail, HasSubstr("operator"));
}

TEST_F(foreground, the_users_limits_hold_for_tabs_too) {
  insert_mission("u1", "m2", past);
  refresh();
  terms.runs_per_user = 1;
  auto held = begin({{"u1"}, {"m2"}});
  EXPECT_THAT(refused().detail, HasSubstr("at once"));
  EXPECT_TRUE(end_in_foreground(*runner, held));
  terms.budgets.runs_per_hour = 3;
  query("UPDATE mana_ai.user_turns SET hour_at = date_trunc('hour', now(), 'UTC'), runs_in_hour = 3");
  EXPECT_THAT(refused().detail, HasSubstr("this hour's runs"));
  terms.budgets = {0, 1'000, 600};
  query("UPDATE mana_ai.user_turns SET day_at = date_trunc('day', now(), 'UTC'), tokens_in_day = 500");
  auto f = refused();
  EXPECT_EQ(f.code, errc::mission_held);
  EXPECT_THAT(f.detail, HasSubstr("today's tokens"));
}

TEST_F(foreground, a_tabs_run_takes_one_of_the_users_places_and_of_the_hours_runs) {
  insert_mission("u1", "m2", past);
  refresh();
  begin();
  EXPECT_THAT(claim_due_missions(*runner, {100, 1}, {15s, "a"}).missions, IsEmpty());
  query("UPDATE mana_ai.user_turns SET queue_at = now()");
  claim_terms of_hour{15s, "a", {1, 0, 0}};
  EXPECT_THAT(claim_due_missions(*runner, {100, 8}, of_hour).missions, IsEmpty());
}

TEST_F(foreground, a_slot_that_has_its_iteration_is_not_planned_again) {
  auto held = begin();
  push_iteration(std::string{"\""} + past + "\"");
  refresh();
  EXPECT_TRUE(end_in_foreground(*runner, held)->given_back);
  auto f = refused();
  EXPECT_EQ(f.code, errc::mission_not_due);
  EXPECT_THAT(f.detail, HasSubstr("has its plan already"));
  EXPECT_EQ(column("lease_token"), "");
  EXPECT_EQ(turn("runs_in_hour"), "0");
  EXPECT_THAT(claim(), SizeIs(1)); // which finds the iteration, too, and moves on
}

TEST_F(foreground, an_edit_that_is_not_folded_yet_is_waited_for) {
  edit(R"({"title":"neu"})", R"({"title":"2026-03-01T09:00:00.000Z"})");
  EXPECT_FALSE(ask_for(mission));
  refresh();
  begin();
}

TEST_F(foreground, a_slot_goes_either_to_a_tab_or_to_a_replica) {
  constexpr int rounds = 60;
  for (int i = 0; i < rounds; ++i)
    insert_mission("u1", "race-" + std::to_string(i), past);
  refresh();
  std::atomic<int> server = 0, tab = 0;
  std::atomic<bool> go = false;
  pg::connection other{runner_url()};
  std::thread replica([&] {
    while (!go)
      std::this_thread::yield();
    for (int i = 0; i < rounds; ++i)
      server += static_cast<int>(claim_due_missions(other, {1, 1'000}, {15s, "replica-b"}).missions.size());
  });
  go = true;
  foreground_terms many{15s, 1'000, {}};
  for (int i = rounds - 1; i >= 0; --i)
    if (auto run = claim_in_foreground(*runner, {{"u1"}, {"race-" + std::to_string(i)}}, many); run && *run)
      ++tab;
  replica.join();
  server += static_cast<int>(claim_due_missions(other, {1'000, 1'000}, {15s, "replica-b"}).missions.size());
  EXPECT_EQ(tab + server, rounds + 1); // m1 is the replica's
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_snapshots WHERE foreground"), std::to_string(tab.load()));
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_snapshots WHERE lease_token IS NOT NULL"),
            std::to_string(rounds + 1));
  EXPECT_EQ(turn("runs_in_hour"), std::to_string(rounds + 1));
}

// -- ends -----------------------------------------------------------------------------------------------

TEST_F(foreground, the_fold_of_the_iteration_ends_the_run) {
  auto held = begin();
  query("UPDATE mana_ai.mission_snapshots SET crashes = 2");
  push_iteration();
  refresh();
  EXPECT_EQ(column("lease_token"), "");
  EXPECT_EQ(column("lease_owner"), "");
  EXPECT_EQ(column("foreground"), "f");
  EXPECT_EQ(column("slot_at = '2099-01-01Z' AND claimable_at = slot_at"), "t");
  EXPECT_EQ(column("crashes"), "2"); // says nothing about the server's
  EXPECT_EQ(turn("runs_in_hour"), "1");
  EXPECT_EQ(turn("queue_at = '2099-01-01Z'"), "t");
  EXPECT_EQ(renew_in_foreground(*runner, held, terms).error().code, errc::lease_lost);
  auto ended = end_in_foreground(*runner, held);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->given_back);
  EXPECT_EQ(turn("runs_in_hour"), "1");
}

TEST_F(foreground, a_mission_without_a_next_run_ends_its_run_too) {
  begin();
  push_iteration("null");
  refresh();
  EXPECT_EQ(column("lease_token"), "");
  EXPECT_EQ(column("hold"), "no-next-run");
}

TEST_F(foreground, an_edit_that_leaves_the_slot_leaves_the_lease) {
  auto held = begin();
  edit(R"({"title":"neu"})", R"({"title":"2026-03-01T09:00:00.000Z"})");
  refresh();
  edit(R"({"state":"paused"})", R"({"state":"2026-03-01T09:00:00.000Z"})");
  refresh();
  EXPECT_EQ(column("lease_token"), held.token.value);
  EXPECT_TRUE(renew_in_foreground(*runner, held, terms));
}

TEST_F(foreground, a_replicas_run_goes_on_when_its_slot_moves) {
  auto claimed = claim();
  ASSERT_THAT(claimed, SizeIs(1));
  edit(R"({"nextRunAt":")" + std::string{far_ahead} + R"("})", R"({"nextRunAt":"2026-03-01T09:00:00.000Z"})");
  refresh();
  EXPECT_EQ(column("lease_token"), claimed[0].held.token.value);
  EXPECT_EQ(column("attempt"), "1");
}

TEST_F(foreground, a_deleted_mission_takes_the_lease_with_it) {
  auto held = begin();
  edit(R"({"deletedAt":"2026-03-01T09:00:00.000Z"})", R"({"deletedAt":"2026-03-01T09:00:00.000Z"})");
  refresh();
  EXPECT_EQ(renew_in_foreground(*runner, held, terms).error().code, errc::lease_lost);
  EXPECT_FALSE(end_in_foreground(*runner, held)->given_back);
}

TEST_F(foreground, what_is_given_back_is_claimable_as_if_nothing_had_been) {
  auto held = begin();
  auto ended = end_in_foreground(*runner, held);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->given_back);
  EXPECT_EQ(turn("runs_in_hour"), "0");
  auto claimed = claim();
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].attempt, 1u);
  EXPECT_EQ(claimed[0].crashes, 0u);
  EXPECT_EQ(claimed[0].last_error, "");
  EXPECT_EQ(column("foreground"), "f");
}

TEST_F(foreground, a_run_is_not_given_back_before_its_iteration_is_folded) {
  auto held = begin();
  push_iteration();
  EXPECT_FALSE(end_in_foreground(*runner, held));
  EXPECT_THAT(claim(), IsEmpty());
  refresh();
  EXPECT_FALSE(end_in_foreground(*runner, held)->given_back);
}

TEST_F(foreground, another_token_changes_nothing) {
  auto held = begin();
  lease stranger{mission, {"00000000-0000-4000-8000-000000000000"}};
  EXPECT_EQ(renew_in_foreground(*runner, stranger, terms).error().code, errc::lease_lost);
  EXPECT_FALSE(end_in_foreground(*runner, stranger)->given_back);
  EXPECT_FALSE(end_in_foreground(*runner, {{{"u2"}, {"m1"}}, held.token})->given_back);
  EXPECT_EQ(column("lease_token"), held.token.value);
}

TEST_F(foreground, a_replicas_lease_is_none_of_a_tabs) {
  auto claimed = claim();
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(renew_in_foreground(*runner, claimed[0].held, terms).error().code, errc::lease_lost);
  EXPECT_FALSE(end_in_foreground(*runner, claimed[0].held)->given_back);
  EXPECT_EQ(column("lease_token"), claimed[0].held.token.value);
}

// -- time -----------------------------------------------------------------------------------------------

TEST_F(foreground, a_renewal_extends_the_lease_and_nothing_revives_one_that_has_ended) {
  auto held = begin();
  query("UPDATE mana_ai.mission_snapshots SET lease_until = now() + interval '1 s'");
  auto renewed = renew_in_foreground(*runner, held, terms);
  ASSERT_TRUE(renewed);
  EXPECT_EQ(column("lease_until > now() + interval '10 s'"), "t");
  end_lease();
  EXPECT_EQ(renew_in_foreground(*runner, held, terms).error().code, errc::lease_lost);
}

TEST_F(foreground, replicas_leave_a_living_lease_alone) {
  auto held = begin();
  auto until = column("lease_until");
  EXPECT_EQ(renew().rescued, 0u);
  EXPECT_EQ(column("lease_until"), until);
  EXPECT_EQ(column("lease_token"), held.token.value);
}

TEST_F(foreground, a_tab_that_went_away_is_no_crash_of_its_mission) {
  for (int i = 0; i < 5; ++i) {
    begin();
    end_lease();
    auto rescued = renew();
    EXPECT_EQ(rescued.rescued, 1u);
    EXPECT_EQ(rescued.rescued_of_tabs, 1u);
    EXPECT_THAT(rescued.quarantined, IsEmpty());
  }
  EXPECT_EQ(column("crashes"), "0");
  EXPECT_EQ(column("attempt"), "0");
  EXPECT_EQ(column("last_error"), "");
  EXPECT_EQ(turn("runs_in_hour"), "5");
  auto claimed = claim();
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].attempt, 1u);
  EXPECT_EQ(claimed[0].slot, begun.slot);
}

TEST_F(foreground, a_replica_that_died_beside_it_is_one) {
  insert_mission("u1", "m2", past);
  refresh();
  begin();
  ASSERT_THAT(claim(), SizeIs(1));
  end_lease();
  auto rescued = renew();
  EXPECT_EQ(rescued.rescued, 2u);
  EXPECT_EQ(rescued.rescued_of_tabs, 1u);
  EXPECT_EQ(column("crashes"), "0");
  EXPECT_EQ(query("SELECT crashes FROM mana_ai.mission_snapshots WHERE mission_id = 'm2'"), "1");
}

TEST_F(foreground, a_lease_does_not_end_while_the_iteration_waits_to_be_folded) {
  begin();
  push_iteration();
  end_lease();
  EXPECT_EQ(renew().rescued, 0u);
  EXPECT_THAT(claim(), IsEmpty());
  refresh();
  EXPECT_EQ(column("lease_token"), "");
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_F(foreground, an_edit_that_cannot_be_folded_is_not_waited_for) {
  begin();
  push_iteration();
  end_lease();
  query("UPDATE mana_ai.mission_dirty SET failures = 1, not_before = now() + interval '1 hour'");
  EXPECT_EQ(renew().rescued, 1u);
}

TEST_F(foreground, a_tab_that_comes_late_and_the_server_make_one_iteration) {
  begin();
  end_lease();
  renew();
  auto claimed = claim();
  ASSERT_THAT(claimed, SizeIs(1));
  push_iteration();
  end_run done;
  done.held = claimed[0].held;
  done.slot = claimed[0].slot;
  done.how = run_end::planned;
  plan p{"Plan", {{"Schritt", "create_task", json::object{{"title", "x"}}, "weil"}}};
  done.iteration = std::make_shared<const std::string>(
      json::to_text(planned_iteration(iteration_id_of(mission, claimed[0].slot), p)));
  ASSERT_TRUE(end_runs(*runner, {done}, {}).front());
  refresh();
  auto record = snapshot("u1", "m1");
  ASSERT_THAT(*record.find("iterations")->as_array(), SizeIs(1));
  EXPECT_EQ(record.find("iterations")->as_array()->front().text("source"), "browser");
}

TEST_F(foreground, users_see_that_a_tab_has_it) {
  begin();
  auto list = list_missions_of(*runner, {"u1"}, 8, {}, false);
  ASSERT_THAT(list.missions, SizeIs(1));
  EXPECT_EQ(list.missions[0].not_running_because, "running");
  EXPECT_TRUE(list.missions[0].foreground);
  EXPECT_TRUE(list.missions[0].lease_until);
}

// -- tokens of calls ------------------------------------------------------------------------------------

struct call_tokens : foreground {
  token_reservation reserve(std::int64_t tokens, std::int64_t per_day) {
    auto r = reserve_tokens(*runner, {"u1"}, tokens, per_day);
    EXPECT_TRUE(r);
    return r ? *r : token_reservation{};
  }
  const claim_terms of_day{15s, "a", {0, 1'000, 600}};
};

TEST_F(call_tokens, are_set_aside_and_settled) {
  auto first = reserve(600, 1'000);
  EXPECT_EQ(turn("tokens_in_day"), "600");
  auto refused = reserve_tokens(*runner, {"u1"}, 600, 1'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::token_budget_spent);
  EXPECT_LE(retry_after(refused.error()), 24h);
  settle_tokens(*runner, {"u1"}, first, 50);
  EXPECT_EQ(turn("tokens_in_day"), "50");
  reserve(600, 1'000);
}

TEST_F(call_tokens, and_runs_share_one_budget) {
  reserve(600, 1'000);
  EXPECT_THAT(claim_due_missions(*runner, {100, 8}, of_day).missions, IsEmpty());
  EXPECT_EQ(turn("held_until > now()"), "t");
}

TEST_F(call_tokens, that_come_back_let_the_users_missions_run) {
  auto held = reserve(600, 1'000);
  EXPECT_THAT(claim_due_missions(*runner, {100, 8}, of_day).missions, IsEmpty());
  settle_tokens(*runner, {"u1"}, held, 10);
  EXPECT_THAT(claim_due_missions(*runner, {100, 8}, of_day).missions, SizeIs(1));
  EXPECT_EQ(turn("tokens_in_day"), "610");
}

TEST_F(call_tokens, of_a_day_that_is_over_are_charged_to_the_new_one) {
  auto held = reserve(600, 1'000);
  held.day_us -= 24 * 3'600'000'000LL;
  settle_tokens(*runner, {"u1"}, held, 40);
  EXPECT_EQ(turn("tokens_in_day"), "640"); // what was set aside then is not in today's sum
}

TEST_F(call_tokens, without_a_limit_are_counted_all_the_same) {
  auto held = reserve(5'000'000, 0);
  settle_tokens(*runner, {"u1"}, held, 7);
  EXPECT_EQ(turn("tokens_in_day"), "7");
}

TEST_F(call_tokens, go_by_the_limit_that_the_operator_gave_the_user) {
  query("INSERT INTO mana_ai.user_limits (user_id, tokens_per_day) VALUES ('u1', 100)");
  reserve(100, 1'000'000);
  EXPECT_FALSE(reserve_tokens(*runner, {"u1"}, 1, 1'000'000));
}

TEST_F(call_tokens, of_a_user_without_missions_count_too) {
  auto r = reserve_tokens(*runner, {"new"}, 10, 100);
  ASSERT_TRUE(r);
  EXPECT_EQ(query("SELECT tokens_in_day FROM mana_ai.user_turns WHERE user_id = 'new'"), "10");
}

// -- rights ---------------------------------------------------------------------------------------------

TEST_F(foreground, nobody_but_the_runner_may_call_any_of_it) {
  EXPECT_EQ(
      query("SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'mana_ai'::regnamespace"
            " AND p.proname IN ('awaits_folding', 'claim_foreground_run', 'renew_foreground_run',"
            " 'end_foreground_run', 'reserve_call_tokens', 'settle_call_tokens', 'rescue_crashed_runs')"
            " AND a.grantee NOT IN ('mana_ai_runner'::regrole, 'mana_ai_owner'::regrole)"),
      "0");
  EXPECT_EQ(query("SELECT count(*) FROM pg_proc WHERE pronamespace = 'mana_ai'::regnamespace AND prosecdef"
                  " AND proname ~ 'foreground|call_tokens'"),
            "0");
}

} // namespace
} // namespace mana
