// Claims, leases and fencing on a real PostgreSQL, with the service's own login.
#include "actors/iteration_writer/end_queries.hpp"
#include "actors/mission/iteration.hpp"
#include "actors/mission_claimer/claim_queries.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;

constexpr auto past = "2026-03-01T08:00:00.000Z";

struct claims : testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    runner = std::make_unique<pg::connection>(runner_url());
    other = std::make_unique<pg::connection>(runner_url());
  }
  void TearDown() override {
    runner.reset();
    other.reset();
    database_fixture::TearDown();
  }
  void refresh() {
    while (refresh_batch(*runner, 500, {}).taken == 500) {
    }
  }
  claimed_missions claim(std::size_t limit = 100, std::size_t per_user = 8, std::chrono::milliseconds lease = 15s) {
    return claim_due_missions(*runner, {limit, per_user}, {lease, "replica-a"});
  }
  end_run planned(const claimed_mission& m, std::string summary = "Plan") {
    end_run r;
    r.held = m.held;
    r.slot = m.slot;
    r.how = run_end::planned;
    plan p{std::move(summary), {{"Schritt", "create_task", json::object{{"title", "x"}}, "weil"}}};
    r.iteration =
        std::make_shared<const std::string>(json::to_text(planned_iteration(iteration_id_of(m.held.key, m.slot), p)));
    return r;
  }
  end_run retry(const claimed_mission& m, run_end how, std::chrono::milliseconds after) {
    end_run r;
    r.held = m.held;
    r.slot = m.slot;
    r.how = how;
    r.retry_after = after;
    r.error_code = errc::llm_timeout;
    r.error_detail = "no answer";
    return r;
  }
  result<run_ended> end(const end_run& r) { return end_runs(*runner, {r}, {}).front(); }
  std::string column(const std::string& name, const std::string& mission) {
    return query("SELECT " + name + " FROM mana_ai.mission_snapshots WHERE mission_id = '" + mission + "'");
  }

  std::unique_ptr<pg::connection> runner;
  std::unique_ptr<pg::connection> other;
};

TEST_F(claims, a_due_mission_is_claimed_once) {
  insert_mission("u1", "m1", past);
  refresh();
  auto first = claim();
  ASSERT_EQ(first.missions.size(), 1u);
  auto& m = first.missions[0];
  EXPECT_EQ(m.held.key, (mission_key{{"u1"}, {"m1"}}));
  EXPECT_EQ(to_iso(m.slot), past);
  EXPECT_EQ(m.attempt, 1u);
  EXPECT_NE(m.record->find("\"title\": \"Test\""), std::string::npos);
  EXPECT_TRUE(claim().missions.empty());
  EXPECT_TRUE(claim_due_missions(*other, {100, 8}, {15s, "replica-b"}).missions.empty());
}

TEST_F(claims, a_future_mission_is_announced_and_not_claimed) {
  insert_mission("u1", "m1", "2099-01-01T00:00:00.000Z");
  refresh();
  auto c = claim();
  EXPECT_TRUE(c.missions.empty());
  ASSERT_TRUE(c.next_due_in);
  EXPECT_GT(*c.next_due_in, 24h);
  EXPECT_FALSE(c.more_waiting);
}

TEST_F(claims, a_claim_says_that_it_passed_over_somebody) {
  insert_mission("u1", "m1", past);
  insert_mission("u2", "m2", past);
  refresh();
  {
    pqxx::work ends_a_run{other->raw()};
    pg::connection::exec_in(ends_a_run, "SELECT set_config('app.current_user_id', 'u2', true)");
    pg::connection::exec_in(ends_a_run, "SELECT FROM mana_ai.user_turns WHERE user_id = 'u2' FOR UPDATE");
    auto c = claim();
    ASSERT_EQ(c.missions.size(), 1u);
    EXPECT_EQ(c.missions[0].held.key.user.value, "u1");
    EXPECT_TRUE(c.more_waiting);
  }
  auto c = claim();
  EXPECT_EQ(c.missions.size(), 1u);
  EXPECT_FALSE(c.more_waiting);
}

TEST_F(claims, two_claimers_at_once_never_share_a_mission) {
  for (int i = 0; i < 200; ++i)
    insert_mission("u" + std::to_string(i % 40), "m" + std::to_string(i), past);
  refresh();
  std::vector<claimed_missions> got[2];
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      pg::connection c{runner_url()};
      for (int i = 0; i < 40; ++i)
        got[t].push_back(claim_due_missions(c, {7, 8}, {15s, "r"}));
    });
  for (auto& t : threads)
    t.join();
  std::multiset<std::string> seen;
  for (auto& g : got)
    for (auto& batch : g)
      for (auto& m : batch.missions)
        seen.insert(m.held.key.mission.value);
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 200u);
}

TEST_F(claims, a_user_has_at_most_so_many_runs_whoever_claims) {
  for (int i = 0; i < 12; ++i)
    insert_mission("greedy", "g" + std::to_string(i), past);
  insert_mission("modest", "m", past);
  refresh();
  auto first = claim(100, 8);
  EXPECT_EQ(first.missions.size(), 9u);
  EXPECT_TRUE(claim_due_missions(*other, {100, 8}, {15s, "b"}).missions.empty());
  // A place that becomes free is given again.
  ASSERT_TRUE(end(planned(*std::find_if(first.missions.begin(), first.missions.end(),
                                        [](auto& m) { return m.held.key.user.value == "greedy"; }))));
  EXPECT_EQ(claim(100, 8).missions.size(), 1u);
}

TEST_F(claims, users_take_turns) {
  for (int i = 0; i < 30; ++i)
    insert_mission("greedy", "g" + std::to_string(i), past);
  insert_mission("late", "l", "2026-03-02T08:00:00.000Z");
  refresh();
  EXPECT_EQ(claim(1, 100).missions.at(0).held.key.user.value, "greedy"); // the line starts with the oldest
  EXPECT_EQ(claim(1, 100).missions.at(0).held.key.user.value, "late");
  EXPECT_EQ(claim(1, 100).missions.at(0).held.key.user.value, "greedy");
}

TEST_F(claims, a_written_plan_advances_the_slot_and_frees_the_mission) {
  insert_mission("u1", "m1", past);
  refresh();
  auto m = claim().missions.at(0);
  auto ended = end(planned(m));
  ASSERT_TRUE(ended) << ended.error().detail;
  EXPECT_TRUE(ended->written);
  auto stored = snapshot("u1", "m1");
  ASSERT_EQ(stored.find("iterations")->as_array()->size(), 1u);
  auto& iteration = stored.find("iterations")->as_array()->front();
  EXPECT_EQ(iteration.text("overallStatus"), "awaiting-review");
  EXPECT_EQ(iteration.text("source"), "server");
  EXPECT_EQ(iteration.text("startedAt"), iteration.text("finishedAt"));
  EXPECT_GT(stored.text("nextRunAt"), past);
  EXPECT_EQ(column("hold", "m1"), "waiting-for-review");
  EXPECT_EQ(column("attempt", "m1"), "0");
  EXPECT_EQ(column("lease_token", "m1"), "");
  EXPECT_EQ(query("SELECT op || ' ' || client_id || ' ' || (actor->>'source') || ' ' || schema_version FROM"
                  " public.sync_changes WHERE client_id = 'mana-ai-runner'"),
            "update mana-ai-runner mission-runner 1");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty"), "0"); // the snapshot is current already
  EXPECT_EQ(query("SELECT string_agg(k, ',' ORDER BY k) FROM public.sync_changes, jsonb_object_keys(data) k WHERE"
                  " client_id = 'mana-ai-runner'"),
            "iterations,nextRunAt,updatedAt");
}

TEST_F(claims, the_snapshot_after_a_write_back_equals_the_fold_of_the_log) {
  insert_mission("u1", "m1", past);
  refresh();
  ASSERT_TRUE(end(planned(claim().missions.at(0))));
  auto stored = snapshot("u1", "m1");
  query("INSERT INTO mana_ai.mission_dirty (user_id, mission_id) VALUES ('u1', 'm1')");
  refresh();
  EXPECT_EQ(snapshot("u1", "m1"), stored);
}

TEST_F(claims, an_ended_lease_writes_nothing) {
  insert_mission("u1", "m1", past);
  refresh();
  auto stale = claim(100, 8, 1ms).missions.at(0);
  while (renew_held_leases(*other, {}, {15s, "b"}).rescued == 0) {
  }
  auto fresh = claim_due_missions(*other, {100, 8}, {15s, "b"}).missions.at(0);
  EXPECT_EQ(fresh.attempt, 2u);
  for (auto how : {run_end::planned, run_end::retry, run_end::parked}) {
    auto r = planned(stale);
    r.how = how;
    auto ended = end(r);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::lease_lost);
  }
  EXPECT_EQ(column("lease_token", "m1"), fresh.held.token.value);
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "0");
  ASSERT_TRUE(end(planned(fresh)));
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "1");
}

TEST_F(claims, renewal_extends_what_is_held_and_names_what_is_lost) {
  insert_mission("u1", "m1", past);
  insert_mission("u2", "m2", past);
  refresh();
  auto c = claim(100, 8, 200ms);
  std::vector<lease> held{c.missions[0].held, c.missions[1].held};
  held[1].token.value = "00000000-0000-4000-8000-000000000000";
  auto r = renew_held_leases(*runner, held, {1h, "replica-a"});
  ASSERT_EQ(r.lost.size(), 1u);
  EXPECT_EQ(r.lost[0], held[1]);
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_snapshots WHERE lease_until > now() + interval '30 min'"), "1");
}

TEST_F(claims, a_renewal_reaches_a_run_that_is_just_being_written) {
  insert_mission("u1", "m1", past);
  refresh();
  auto held = claim().missions.at(0).held;
  pqxx::work writes{other->raw()};
  auto locked = pg::connection::exec_in(
      writes, "SELECT * FROM mana_ai.lock_runs(ARRAY[$1::text], ARRAY[$2::text], ARRAY[$3::uuid])", held.key.user.value,
      held.key.mission.value, held.token.value);
  EXPECT_EQ(locked.size(), 1u);
  EXPECT_TRUE(renew_held_leases(*runner, std::vector<lease>{held}, {1h, "replica-a"}).lost.empty());
  EXPECT_EQ(column("lease_until > now() + interval '30 min'", "m1"), "t");
}

TEST_F(claims, a_retry_waits_and_keeps_the_attempt_and_a_parked_run_does_not_count) {
  insert_mission("u1", "m1", past);
  insert_mission("u2", "m2", past);
  refresh();
  auto c = claim();
  ASSERT_EQ(c.missions.size(), 2u);
  auto first = c.missions[0].held.key.mission.value;
  auto second = c.missions[1].held.key.mission.value;
  ASSERT_TRUE(end(retry(c.missions[0], run_end::retry, 1h)));
  ASSERT_TRUE(end(retry(c.missions[1], run_end::parked, 1h)));
  EXPECT_EQ(column("attempt", first), "1");
  EXPECT_EQ(column("attempt", second), "0");
  EXPECT_EQ(column("last_error", first), "llm_timeout: no answer");
  auto again = claim();
  EXPECT_TRUE(again.missions.empty());
  ASSERT_TRUE(again.next_due_in);
  EXPECT_GT(*again.next_due_in, 59min);
  EXPECT_LE(*again.next_due_in, 60min);
  // A refresh in between keeps the time of the retry.
  append("u1", "m1", "update", R"({"title":"x"})", R"({"title":"2026-02-01T00:00:00.000Z"})");
  refresh();
  EXPECT_TRUE(claim().missions.empty());
}

TEST_F(claims, handed_back_missions_are_due_at_once_and_the_attempt_does_not_count) {
  insert_mission("u1", "m1", past);
  refresh();
  auto m = claim().missions.at(0);
  EXPECT_EQ(release_unrun(*runner, {m.held}).missions, 1u);
  auto again = claim().missions.at(0);
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_NE(again.held.token, m.held.token);
  EXPECT_EQ(release_unrun(*runner, {m.held}).missions, 0u); // the old token opens nothing
}

TEST_F(claims, an_edit_while_planning_is_kept_even_if_no_refresh_has_seen_it) {
  insert_mission("u1", "m1", past);
  refresh();
  auto m = claim().missions.at(0);
  append("u1", "m1", "update",
         R"({"title":"Neu","iterations":[{"id":"b1","startedAt":"2026-02-01T00:00:00.000Z","plan":[]}]})",
         R"({"title":"2026-02-03T00:00:00.000Z","iterations":"2026-02-03T00:00:00.000Z"})");
  ASSERT_TRUE(end(planned(m)));
  for (int i = 0; i < 2; ++i) {
    auto stored = snapshot("u1", "m1");
    EXPECT_EQ(stored.text("title"), "Neu");
    EXPECT_EQ(stored.find("iterations")->as_array()->size(), 2u);
    refresh(); // the queued edit again, and nothing changes
  }
  EXPECT_EQ(query("SELECT jsonb_array_length(data->'iterations') FROM public.sync_changes"
                  " WHERE client_id = 'mana-ai-runner'"),
            "2");
}

TEST_F(claims, a_slot_the_user_moved_while_planning_is_not_moved_again) {
  insert_mission("u1", "m1", past);
  refresh();
  auto m = claim().missions.at(0);
  append("u1", "m1", "update", R"({"nextRunAt":"2098-01-01T00:00:00.000Z"})",
         R"({"nextRunAt":"2026-02-03T00:00:00.000Z"})");
  ASSERT_TRUE(end(planned(m)));
  EXPECT_EQ(snapshot("u1", "m1").text("nextRunAt"), "2098-01-01T00:00:00.000Z");
}

TEST_F(claims, a_mission_paused_while_planning_gets_its_plan_and_stays_paused) {
  insert_mission("u1", "m1", past);
  refresh();
  auto m = claim().missions.at(0);
  append("u1", "m1", "update", R"({"state":"paused"})", R"({"state":"2026-02-03T00:00:00.000Z"})");
  refresh();
  ASSERT_TRUE(end(planned(m)));
  EXPECT_EQ(snapshot("u1", "m1").find("iterations")->as_array()->size(), 1u);
  EXPECT_EQ(column("hold", "m1"), "paused");
}

TEST_F(claims, a_mission_deleted_while_planning_takes_no_plan) {
  insert_mission("u1", "m1", past);
  insert_mission("u1", "m2", past);
  refresh();
  auto c = claim();
  append("u1", "m1", "delete", R"({"deletedAt":"2026-02-03T00:00:00.000Z"})"); // seen by no refresh
  append("u1", "m2", "delete", "{}");
  refresh();
  for (auto& m : c.missions) {
    auto ended = end(planned(m));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::lease_lost);
  }
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "0");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_snapshots"), "0");
}

TEST_F(claims, a_write_back_repeated_after_a_commit_in_doubt_counts_as_written) {
  insert_mission("u1", "m1", past);
  refresh();
  auto r = planned(claim().missions.at(0));
  ASSERT_TRUE(end(r));
  auto again = end(r);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->written);
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "1");
}

TEST_F(claims, write_backs_of_several_users_share_a_transaction) {
  for (int i = 0; i < 20; ++i)
    insert_mission("u" + std::to_string(i % 7), "m" + std::to_string(i), past);
  refresh();
  std::vector<end_run> runs;
  for (auto& m : claim().missions)
    runs.push_back(planned(m));
  ASSERT_EQ(runs.size(), 20u);
  for (auto& r : end_runs(*runner, runs, {}))
    EXPECT_TRUE(r);
  EXPECT_EQ(query("SELECT count(DISTINCT xmin::text) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"),
            "1");
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "20");
}

TEST_F(claims, an_unusable_cadence_ends_the_schedule) {
  insert_mission("u1", "m1", past);
  refresh();
  auto m = claim().missions.at(0);
  auto r = planned(m);
  r.how = run_end::failed;
  r.unschedulable = true;
  r.error_code = errc::cadence_invalid;
  r.iteration = std::make_shared<const std::string>(
      json::to_text(failed_iteration(iteration_id_of(m.held.key, m.slot), "Der Rhythmus ist ungültig.")));
  ASSERT_TRUE(end(r));
  EXPECT_TRUE(snapshot("u1", "m1").find("nextRunAt")->is_null());
  EXPECT_EQ(column("hold", "m1"), "no-next-run");
}

// -- beside a long transaction -----------------------------------------------------------------------

TEST_F(claims, who_joins_before_the_floor_of_the_line_waits_for_the_next_look) {
  insert_mission("u1", "m1", past);
  refresh();
  claim_terms terms{15s, "replica-a"};
  auto now = queue_floor::time_point::clock::now();
  auto floor_us = std::stoll(query("SELECT (extract(epoch FROM now()) * 1000000)::bigint"));
  terms.line->looked(floor_us, now - 1h, now); // no other look for nine hours
  EXPECT_TRUE(claim_due_missions(*runner, {100, 8}, terms).missions.empty());
  EXPECT_FALSE(renew_held_leases(*runner, {}, terms).oldest_waiting);
  EXPECT_EQ(claim_due_missions(*runner, {100, 8, true}, terms).missions.size(), 1u);
}

TEST_F(claims, who_joins_in_time_is_behind_the_floor) {
  claim_terms terms{15s, "replica-a"};
  ASSERT_TRUE(claim_due_missions(*runner, {100, 8}, terms).missions.empty()); // looks: nobody is there
  auto now = queue_floor::time_point::clock::now();
  terms.line->looked(std::nullopt, now - 1h, now); // the last look for hours, which leaves the floor
  insert_mission("u1", "m1", query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"));
  refresh();
  EXPECT_EQ(claim_due_missions(*runner, {100, 8}, terms).missions.size(), 1u);
}

TEST_F(claims, neither_a_claim_nor_the_lines_state_walks_over_who_was_served) {
  insert_mission("u1", "m1", past);
  refresh();
  pg::connection reader{superuser_url()};
  pqxx::transaction<pqxx::isolation_level::repeatable_read> snapshot{reader.raw()};
  pg::connection::exec_in(snapshot, "SELECT count(*) FROM mana_ai.user_turns");
  query("DO $$ BEGIN FOR i IN 1 .. 300 LOOP"
        " UPDATE mana_ai.user_turns SET queue_at = now() - interval '1 hour' + i * interval '1 ms'; END LOOP; END $$");
  query("UPDATE mana_ai.user_turns SET queue_at = now()");
  auto direct = std::make_unique<pg::connection>(direct_runner_url());
  claim_terms terms{15s, "replica-a"};
  auto now = queue_floor::time_point::clock::now();
  terms.line->looked(std::stoll(query("SELECT mana_ai.line_start()")), now - 1h, now);
  query("SELECT pg_stat_reset()");
  EXPECT_EQ(claim_due_missions(*direct, {100, 8}, terms).missions.size(), 1u);
  close_and_count(std::move(direct));
  EXPECT_LT(std::stoi(query("SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE indexrelid ="
                            " 'mana_ai.user_turns_line'::regclass OR indexrelid IN (SELECT inhrelid FROM pg_inherits"
                            " WHERE inhparent = 'mana_ai.user_turns_line'::regclass)")),
            50);
}

TEST_F(claims, a_renewed_lease_is_a_hot_update) {
  insert_mission("u1", "m1", past);
  refresh();
  auto c = claim();
  runner = std::make_unique<pg::connection>(direct_runner_url());
  renew_held_leases(*runner, std::vector<lease>{c.missions[0].held}, {15s, "a"});
  close_and_count(std::move(runner));
  EXPECT_EQ(query("SELECT sum(n_tup_hot_upd) FROM pg_stat_user_tables WHERE relname ~ '^mission_snapshots(_[0-9]+)?$'"),
            "1");
}

} // namespace
} // namespace mana
