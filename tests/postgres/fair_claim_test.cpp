// Fair shares and budgets on a real PostgreSQL. Claims are made at given times, so no window ends unasked.
#include "actors/iteration_writer/end_queries.hpp"
#include "actors/mission/iteration.hpp"
#include "actors/mission/user_budgets.hpp"
#include "actors/mission_claimer/claim_queries.hpp"
#include "actors/mission_directory/mission_directory_actor.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;

using ::testing::UnorderedElementsAre;

using counts = std::map<std::string, int>; // runs by user

// Slots of the missions below are before these times.
constexpr auto morning = "2026-05-01T10:15:00Z";
constexpr auto a_little_later = "2026-05-01T10:59:00Z";
constexpr auto next_hour = "2026-05-01T11:00:00Z";
constexpr auto evening = "2026-05-01T23:59:00Z";
constexpr auto next_day = "2026-05-02T00:01:00Z";

std::vector<claimed_mission> claim_at(pg::connection& db, const std::string& now, std::size_t limit,
                                      std::size_t per_user = 0, const user_budgets& budgets = {},
                                      std::chrono::milliseconds lease = 1h) {
  std::vector<claimed_mission> out;
  for (const auto& row : db.exec("SELECT * FROM mana_ai.claim_missions($1, $2, $3::bigint * interval '1 millisecond',"
                                 " 'replica', $4::timestamptz, $5, $6, $7)",
                                 limit, per_user, lease.count(), now, budgets.runs_per_hour, budgets.tokens_per_day,
                                 budgets.tokens_per_run)) {
    claimed_mission m;
    m.held.key = {{row["user_id"].as<std::string>()}, {row["mission_id"].as<std::string>()}};
    m.held.token = {row["lease_token"].as<std::string>()};
    m.slot = pg::time_from_us(row["slot_us"].as<std::int64_t>());
    out.push_back(std::move(m));
  }
  return out;
}

counts by_user(const std::vector<claimed_mission>& missions) {
  counts out;
  for (auto& m : missions)
    ++out[m.held.key.user.value];
  return out;
}

end_run released(const claimed_mission& m, run_end how, std::int64_t tokens) {
  end_run r;
  r.held = m.held;
  r.slot = m.slot;
  r.how = how;
  r.retry_after = 1h;
  r.error_code = errc::llm_timeout;
  r.tokens = tokens;
  return r;
}

end_run planned(const claimed_mission& m, std::int64_t tokens) {
  auto r = released(m, run_end::planned, tokens);
  plan p{"Plan", {{"Schritt", "create_task", json::object{{"title", "x"}}, "weil"}}};
  r.iteration =
      std::make_shared<const std::string>(json::to_text(planned_iteration(iteration_id_of(m.held.key, m.slot), p)));
  return r;
}

std::vector<std::string> reasons(const mission_list& list) {
  std::vector<std::string> out;
  for (auto& m : list.missions)
    out.push_back(m.not_running_because);
  return out;
}

struct fair_claims : testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    runner = std::make_unique<pg::connection>(runner_url());
  }
  void TearDown() override {
    runner.reset();
    database_fixture::TearDown();
  }
  // So many missions that were due at the same time.
  void add(const std::string& user, int missions, const std::string& due = "2026-03-01T08:00:00.000Z") {
    query("INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, client_id) SELECT 'ai',"
          " 'aiMissions', m, '"
          + user + "', 'insert', jsonb_build_object('id', m, 'userId', '" + user
          + "', 'title', 'Test', 'objective', 'Plan', 'inputs', '[]'::jsonb, 'cadence', '{\"kind\":\"interval\","
            "\"everyMinutes\":60}'::jsonb, 'state', 'active', 'nextRunAt', '"
          + due
          + "', 'iterations', '[]'::jsonb, 'createdAt', '2026-01-01T00:00:00.000Z', 'updatedAt',"
            " '2026-01-01T00:00:00.000Z'), 'test' FROM generate_series(1, "
          + std::to_string(missions) + ") n, lateral (SELECT '" + user + "-' || n AS m) x RETURNING 1");
    while (refresh_batch(*runner, 500, {}).taken == 500) {
    }
  }
  std::vector<claimed_mission> claim(const std::string& now, std::size_t limit, const user_budgets& budgets = {},
                                     std::size_t per_user = 0) {
    return claim_at(*runner, now, limit, per_user, budgets);
  }
  void end(const end_run& r) {
    auto ended = end_runs(*runner, {r}, {}).front();
    ASSERT_TRUE(ended) << ended.error().detail;
  }
  std::string turn(const std::string& column, const std::string& user = "u") {
    return query("SELECT " + column + " FROM mana_ai.user_turns WHERE user_id = '" + user + "'");
  }

  std::unique_ptr<pg::connection> runner;
};

// -- turns ------------------------------------------------------------------------------------------

TEST_F(fair_claims, a_batch_holds_one_mission_of_each_user_before_a_second_of_any) {
  add("greedy", 2000);
  for (int i = 0; i < 20; ++i)
    add("single" + std::to_string(i), 1, "2026-03-02T08:00:00.000Z");
  auto got = by_user(claim(morning, 30));
  EXPECT_EQ(got.size(), 21u);
  EXPECT_EQ(got["greedy"], 10); // what the others leave
}

TEST_F(fair_claims, who_waits_comes_before_more_of_who_was_served) {
  add("greedy", 2000);
  EXPECT_EQ(claim(morning, 10).size(), 10u);
  add("late", 1, "2026-04-30T08:00:00.000Z");
  EXPECT_EQ(by_user(claim("2026-05-01T10:15:01Z", 1)), (counts{{"late", 1}}));
}

TEST_F(fair_claims, no_place_stays_free_while_anybody_has_work) {
  add("a", 60);
  add("b", 3);
  add("c", 1);
  EXPECT_EQ(by_user(claim(morning, 50)), (counts{{"a", 46}, {"b", 3}, {"c", 1}}));
  EXPECT_EQ(by_user(claim(morning, 50)), (counts{{"a", 14}}));
  EXPECT_TRUE(claim(morning, 50).empty());
}

TEST_F(fair_claims, many_missions_get_no_more_turns_than_few) {
  add("many", 100);
  add("few", 4);
  counts got;
  for (int second = 10; second < 18; ++second)
    for (auto& [user, n] : by_user(claim("2026-05-01T10:15:" + std::to_string(second) + "Z", 1)))
      got[user] += n;
  EXPECT_EQ(got, (counts{{"many", 4}, {"few", 4}}));
}

TEST_F(fair_claims, a_due_time_long_ago_gains_one_turn_at_most) {
  add("honest", 10);
  add("sly", 10, "1990-01-01T00:00:00.000Z");
  EXPECT_EQ(by_user(claim("2026-05-01T10:15:10Z", 1)), (counts{{"sly", 1}}));
  counts got;
  for (int second = 11; second < 17; ++second)
    for (auto& [user, n] : by_user(claim("2026-05-01T10:15:" + std::to_string(second) + "Z", 1)))
      got[user] += n;
  EXPECT_EQ(got, (counts{{"honest", 3}, {"sly", 3}}));
}

TEST_F(fair_claims, a_users_weight_is_the_number_of_missions_in_a_turn) {
  query("INSERT INTO mana_ai.user_limits (user_id, weight) VALUES ('heavy', 3)");
  add("heavy", 100);
  add("light", 100);
  EXPECT_EQ(by_user(claim(morning, 40)), (counts{{"heavy", 30}, {"light", 10}}));
  EXPECT_EQ(by_user(claim("2026-05-01T10:15:01Z", 4)), (counts{{"heavy", 3}, {"light", 1}}));
}

TEST_F(fair_claims, users_at_their_limit_do_not_hide_those_behind_them) {
  for (auto* user : {"full1", "full2", "full3"})
    add(user, 5);
  EXPECT_EQ(claim(morning, 3, {}, 1).size(), 3u);
  query("UPDATE mana_ai.user_turns SET queue_at = '2026-01-01'");
  add("free", 1);
  EXPECT_EQ(by_user(claim(morning, 1, {}, 1)), (counts{{"free", 1}}));
  EXPECT_EQ(turn("queue_at", "full1"), "infinity");
}

TEST_F(fair_claims, of_a_user_with_thousands_neither_claim_nor_end_reads_all) {
  runner = std::make_unique<pg::connection>(direct_runner_url());
  add("greedy", 2000);
  close_and_count(std::move(runner));
  query("SELECT pg_stat_reset()");
  runner = std::make_unique<pg::connection>(direct_runner_url());
  auto runs = claim(morning, 4);
  ASSERT_EQ(runs.size(), 4u);
  end(released(runs[0], run_end::retry, 0));
  close_and_count(std::move(runner));
  auto read = std::stoi(query("SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE indexrelid ="
                              " 'mana_ai.mission_snapshots_claimable'::regclass OR indexrelid IN (SELECT inhrelid FROM"
                              " pg_inherits WHERE inhparent = 'mana_ai.mission_snapshots_claimable'::regclass)"));
  EXPECT_GT(read, 0);
  EXPECT_LT(read, 100);
}

// -- runs per hour ----------------------------------------------------------------------------------

TEST_F(fair_claims, a_user_who_has_spent_the_hour_waits_for_the_next_one) {
  add("u", 10);
  user_budgets three{3, 0, 0};
  EXPECT_EQ(claim(morning, 10, three).size(), 3u);
  EXPECT_TRUE(claim(a_little_later, 10, three).empty());
  EXPECT_EQ(query("SELECT next_due_ms FROM mana_ai.line_status('2026-05-01T10:59:00Z')"), "60000");
  EXPECT_EQ(query("SELECT mana_ai.held_user_count('2026-05-01T10:59:00Z')"), "1");
  EXPECT_EQ(claim(next_hour, 10, three).size(), 3u);
  EXPECT_EQ(turn("runs_in_hour"), "3");
}

TEST_F(fair_claims, a_run_that_was_nobodys_fault_is_no_run_of_the_hour) {
  add("u", 10);
  user_budgets two{2, 0, 0};
  auto runs = claim(morning, 10, two);
  ASSERT_EQ(runs.size(), 2u);
  end(released(runs[0], run_end::retry, 0));
  EXPECT_TRUE(claim(morning, 10, two).empty());
  end(released(runs[1], run_end::parked, 0));
  EXPECT_EQ(claim(morning, 10, two).size(), 1u);
}

// -- tokens per day ---------------------------------------------------------------------------------

constexpr user_budgets tokens_250{0, 250, 100};

TEST_F(fair_claims, tokens_are_reserved_by_the_claim_and_settled_by_the_end) {
  add("u", 10);
  auto runs = claim(morning, 10, tokens_250);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(turn("tokens_in_day"), "200");
  EXPECT_TRUE(claim(next_hour, 10, tokens_250).empty());
  end(planned(runs[0], 10));
  EXPECT_EQ(turn("tokens_in_day"), "110");
  EXPECT_EQ(claim(next_hour, 10, tokens_250).size(), 1u);
  end(released(runs[1], run_end::retry, 130)); // more than was reserved
  EXPECT_EQ(turn("tokens_in_day"), "240");
  EXPECT_TRUE(claim(next_hour, 10, tokens_250).empty());
}

TEST_F(fair_claims, a_spent_day_ends_with_the_day) {
  add("u", 10);
  for (auto& m : claim(morning, 10, tokens_250))
    end(planned(m, 120));
  EXPECT_TRUE(claim(evening, 10, tokens_250).empty());
  EXPECT_EQ(claim(next_day, 10, tokens_250).size(), 2u);
}

TEST_F(fair_claims, a_run_in_flight_at_midnight_holds_tokens_of_the_new_day) {
  add("u", 10);
  auto before = claim(evening, 1, tokens_250);
  ASSERT_EQ(before.size(), 1u);
  ASSERT_EQ(claim(next_day, 1, tokens_250).size(), 1u);
  EXPECT_EQ(turn("tokens_in_day"), "200");
  end(planned(before[0], 20));
  EXPECT_EQ(turn("tokens_in_day"), "120");
}

TEST_F(fair_claims, a_crash_leaves_the_reservation_spent_and_the_next_claim_settles_its_own) {
  add("u", 1);
  auto lost = claim_at(*runner, morning, 1, 0, tokens_250, 1ms);
  ASSERT_EQ(lost.size(), 1u);
  while (renew_held_leases(*runner, {}, {15s, "b", {}}).rescued == 0) {
  }
  auto again = claim(morning, 1, tokens_250);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(turn("tokens_in_day"), "200");
  end(planned(again[0], 30));
  EXPECT_EQ(turn("tokens_in_day"), "130");
  EXPECT_FALSE(end_runs(*runner, {released(lost[0], run_end::retry, 0)}, {}).front());
  EXPECT_EQ(turn("tokens_in_day"), "130");
}

TEST_F(fair_claims, a_budget_below_one_reservation_is_good_for_one_run) {
  add("u", 10);
  user_budgets small{0, 50, 100};
  auto runs = claim(morning, 10, small);
  ASSERT_EQ(runs.size(), 1u);
  end(planned(runs[0], 10));
  EXPECT_TRUE(claim(morning, 10, small).empty());
  EXPECT_EQ(claim(next_day, 10, small).size(), 1u);
}

TEST_F(fair_claims, budgets_hold_however_many_claim_at_once) {
  add("by-tokens", 100);
  add("by-runs", 100);
  query("INSERT INTO mana_ai.user_limits (user_id, runs_per_hour) VALUES ('by-tokens', 0), ('by-runs', 25)");
  query("UPDATE mana_ai.user_limits SET tokens_per_day = 0 WHERE user_id = 'by-runs'");
  // 60 of 100 reserved tokens are used: the 16th run would need more than the 100 that are left after 15.
  user_budgets budgets{100, 1000, 100};
  std::atomic<int> working = 0;
  std::map<std::string, std::atomic<int>> runs;
  runs["by-tokens"] = runs["by-runs"] = 0;
  auto replica = [&](pg::connection& db) {
    for (;;) {
      auto claimed = claim_at(db, morning, 3, 8, budgets);
      if (claimed.empty() && working == 0)
        return;
      ++working;
      std::vector<end_run> ends;
      for (auto& m : claimed) {
        ++runs.at(m.held.key.user.value);
        ends.push_back(released(m, run_end::retry, 60));
      }
      for (auto& ended : end_runs(db, ends, {}))
        EXPECT_TRUE(ended);
      --working;
    }
  };
  std::vector<std::thread> replicas;
  for (int i = 0; i < 4; ++i)
    replicas.emplace_back([&] {
      pg::connection db{runner_url()};
      replica(db);
    });
  for (auto& r : replicas)
    r.join();
  replica(*runner); // what one left to another who was just done
  EXPECT_EQ(runs.at("by-tokens"), 16);
  EXPECT_EQ(turn("tokens_in_day", "by-tokens"), "960");
  EXPECT_EQ(runs.at("by-runs"), 25);
}

// -- limits of one user -----------------------------------------------------------------------------

TEST_F(fair_claims, a_user_may_have_limits_of_their_own) {
  query(
      "INSERT INTO mana_ai.user_limits (user_id, runs_in_flight, runs_per_hour) VALUES ('wide', 0, 0), ('low', 1, 5)");
  for (auto* user : {"wide", "low", "usual"})
    add(user, 20);
  EXPECT_EQ(by_user(claim(morning, 100, {10, 0, 0}, 4)), (counts{{"wide", 20}, {"low", 1}, {"usual", 4}}));
}

TEST_F(fair_claims, changed_limits_count_at_once) {
  add("u", 10);
  user_budgets one{1, 0, 0};
  ASSERT_EQ(claim(morning, 10, one).size(), 1u);
  ASSERT_TRUE(claim(morning, 10, one).empty());
  query("INSERT INTO mana_ai.user_limits (user_id, runs_per_hour) VALUES ('u', 3)");
  EXPECT_EQ(claim(morning, 10, one).size(), 2u);
}

TEST_F(fair_claims, the_runner_reads_limits_of_its_user_and_changes_none) {
  query("INSERT INTO mana_ai.user_limits (user_id, weight) VALUES ('u', 2), ('v', 2)");
  pqxx::work tx{runner->raw()};
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', 'u', true)");
  EXPECT_EQ(pg::connection::exec_in(tx, "SELECT FROM mana_ai.user_limits").size(), 1u);
  EXPECT_THROW(pg::connection::exec_in(tx, "UPDATE mana_ai.user_limits SET weight = 100"), pqxx::sql_error);
}

// -- what a claim tells, and what ends do besides -----------------------------------------------------

TEST_F(fair_claims, a_claim_tells_the_databases_time_and_the_crashes_so_far) {
  add("u", 1);
  query("UPDATE mana_ai.mission_snapshots SET crashes = 2");
  auto from = *parse_iso(query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"));
  auto m = claim_due_missions(*runner, {1, 8}, {1h, "a", {}}).missions.at(0);
  EXPECT_EQ(m.crashes, 2u);
  EXPECT_GE(m.claimed_at, from);
  EXPECT_LE(m.claimed_at, from + 1h);
}

TEST_F(fair_claims, an_end_that_a_planner_wrote_forgets_crashes) {
  add("u", 2);
  query("UPDATE mana_ai.mission_snapshots SET crashes = 2");
  auto runs = claim(morning, 2);
  ASSERT_EQ(runs.size(), 2u);
  end(planned(runs[0], 0));
  end(released(runs[1], run_end::parked, 0));
  EXPECT_EQ(query("SELECT sum(crashes) FROM mana_ai.mission_snapshots"), "0");
}

TEST_F(fair_claims, a_mission_that_is_handed_back_unrun_keeps_its_crashes) {
  add("u", 1);
  query("UPDATE mana_ai.mission_snapshots SET crashes = 2");
  auto runs = claim(morning, 1);
  ASSERT_EQ(runs.size(), 1u);
  release_unrun(*runner, {runs[0].held});
  EXPECT_EQ(query("SELECT crashes FROM mana_ai.mission_snapshots"), "2");
}

TEST_F(fair_claims, a_quarantined_mission_is_not_claimed_again) {
  add("u", 1);
  auto runs = claim(morning, 1);
  ASSERT_EQ(runs.size(), 1u);
  auto last = planned(runs[0], 0);
  last.how = run_end::failed;
  last.error_code = errc::quarantined;
  last.quarantine = true;
  end(last);
  EXPECT_EQ(query("SELECT hold || ' ' || (quarantined_at IS NOT NULL) FROM mana_ai.mission_snapshots"),
            "quarantined true");
  // Whatever puts it back into the line by mistake.
  query("UPDATE mana_ai.mission_snapshots SET hold = NULL, claimable_at = '2026-03-01'");
  query("UPDATE mana_ai.user_turns SET queue_at = now()");
  EXPECT_TRUE(claim("2099-01-01T00:00:00Z", 10).empty());
}

TEST_F(fair_claims, a_lease_that_has_ended_by_time_releases_nothing) {
  add("u", 1);
  auto runs = claim_at(*runner, morning, 1, 0, {}, 1ms);
  ASSERT_EQ(runs.size(), 1u);
  while (query("SELECT lease_until < clock_timestamp() FROM mana_ai.mission_snapshots") != "t") {
  }
  auto ended = end_runs(*runner, {released(runs[0], run_end::retry, 0)}, {}).front();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::lease_lost);
}

TEST_F(fair_claims, settling_is_a_hot_update) {
  add("u", 2);
  auto runs = claim(morning, 1, tokens_250); // the other one keeps the user's place in the line
  ASSERT_EQ(runs.size(), 1u);
  query("VACUUM FULL mana_ai.user_turns"); // room on the page
  runner = std::make_unique<pg::connection>(direct_runner_url());
  end(planned(runs[0], 30));
  close_and_count(std::move(runner));
  EXPECT_EQ(query("SELECT sum(n_tup_hot_upd) FROM pg_stat_user_tables WHERE relname ~ '^user_turns(_[0-9]+)?$'"), "1");
}

// -- what operators see -----------------------------------------------------------------------------

TEST_F(fair_claims, the_directory_says_which_budget_is_spent_and_until_when) {
  add("u", 3);
  auto now = query("SELECT now()"); // the directory has no other time
  ASSERT_EQ(claim_at(*runner, now, 1, 0, {1, 0, 0}).size(), 1u);
  auto list = list_missions_of(*runner, {"u"}, 8, {1, 0, 0}, false);
  if (list.budget.runs_this_hour == 0)
    GTEST_SKIP() << "the hour ended meanwhile";
  EXPECT_THAT(reasons(list), UnorderedElementsAre("running", "over-runs-per-hour", "over-runs-per-hour"));
  EXPECT_EQ(list.budget.runs_per_hour, 1u);
  ASSERT_TRUE(list.budget.waits_until);
  EXPECT_GT(*list.budget.waits_until, list.now);
  EXPECT_LE(*list.budget.waits_until, list.now + 1h);

  auto by_tokens = list_missions_of(*runner, {"u"}, 8, {0, 100, 100}, false);
  EXPECT_THAT(reasons(by_tokens), UnorderedElementsAre("running", "due", "due")); // nothing was reserved above
  query("UPDATE mana_ai.user_turns SET day_at = hour_at, tokens_in_day = 30");
  by_tokens = list_missions_of(*runner, {"u"}, 8, {0, 100, 100}, false);
  EXPECT_THAT(reasons(by_tokens), UnorderedElementsAre("running", "over-token-budget", "over-token-budget"));
  EXPECT_EQ(by_tokens.budget.tokens_today, 30);
  EXPECT_EQ(by_tokens.budget.tokens_per_day, 100);
  ASSERT_TRUE(by_tokens.budget.waits_until);
  EXPECT_GT(*by_tokens.budget.waits_until, by_tokens.now);

  query("INSERT INTO mana_ai.user_limits (user_id, tokens_per_day) VALUES ('u', 0)");
  auto unlimited = list_missions_of(*runner, {"u"}, 8, {0, 100, 100}, false);
  EXPECT_THAT(reasons(unlimited), UnorderedElementsAre("running", "due", "due"));
  EXPECT_FALSE(unlimited.budget.waits_until);
}

} // namespace
} // namespace mana
