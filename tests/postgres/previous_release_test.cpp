// A rolling upgrade: what the previous release's runner sends, word for word, against today's schema.
#include "tests/postgres/database_fixture.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

using ::testing::UnorderedElementsAre;

constexpr auto past = "2026-03-01T08:00:00.000Z";

struct previous_release : testing::database_fixture {
  // What a run holds after its claim, as array literals of one element.
  struct run {
    std::string user, mission, token;
    std::int64_t slot_us = 0;
    std::string array(const std::string& s) const { return "{" + s + "}"; }
  };

  void SetUp() override {
    database_fixture::SetUp();
    runner = std::make_unique<pg::connection>(runner_url());
  }
  void TearDown() override {
    runner.reset();
    database_fixture::TearDown();
  }

  void refresh() {
    pqxx::work tx{runner->raw()};
    auto entries = pg::connection::exec_in(tx, "SELECT * FROM mana_ai.take_dirty($1)", 500);
    pg::text_array users, missions;
    for (const auto& row : entries) {
      users.add(row["user_id"].as<std::string>());
      missions.add(row["mission_id"].as<std::string>());
    }
    pg::connection::exec_in(tx, "SELECT * FROM mana_ai.lock_snapshots($1::text[], $2::text[])", users.str(),
                            missions.str());
    pg::text_array records, applied_ids, holds;
    pg::bigint_array applied, slots;
    for (const auto& row : entries) {
      auto change = pg::connection::exec_in(tx, "SELECT * FROM mana_ai.read_changes($1::text[], $2::uuid[])",
                                            "{" + row["user_id"].as<std::string>() + "}",
                                            "{" + row["change_id"].as<std::string>() + "}");
      records.add(change[0]["data"].as<std::string>());
      applied.add(change[0]["created_us"].as<std::int64_t>());
      applied_ids.add(change[0]["id"].as<std::string>());
      slots.add(pg::to_us(*parse_iso(past)));
      holds.add_null();
    }
    auto stored = pg::connection::exec_in(tx,
                                          "SELECT * FROM mana_ai.store_snapshots($1::text[], $2::text[], $3::text[],"
                                          " $4::bigint[], $5::uuid[], $6::bigint[], $7::text[])",
                                          users.str(), missions.str(), records.str(), applied.str(), applied_ids.str(),
                                          slots.str(), holds.str());
    for (const auto& row : stored)
      EXPECT_THAT(row["what"].as<std::string>(), ::testing::AnyOf("created", "updated"));
    tx.commit();
  }

  std::vector<run> claim(int lease_ms = 15'000) {
    auto rows = runner->exec("SELECT * FROM mana_ai.claim_missions($1, $2, $3::bigint * interval '1 millisecond', $4)",
                             100, 8, lease_ms, "replica-a");
    std::vector<run> out;
    for (const auto& row : rows) {
      EXPECT_EQ(row["last_error"].as<std::string>(), "");
      EXPECT_NE(row["record"].as<std::string>(), "");
      EXPECT_EQ(row["attempt"].as<unsigned>(), 1u);
      out.push_back({row["user_id"].as<std::string>(), row["mission_id"].as<std::string>(),
                     row["lease_token"].as<std::string>(), row["slot_us"].as<std::int64_t>()});
    }
    auto line = runner->exec("SELECT now_us, next_due_ms, waiting_ms FROM mana_ai.line_status()");
    EXPECT_EQ(line.size(), 1u);
    return out;
  }

  pqxx::result lock(pqxx::transaction_base& tx, const run& r) {
    return pg::connection::exec_in(tx, "SELECT * FROM mana_ai.lock_runs($1::text[], $2::text[], $3::uuid[])",
                                   r.array(r.user), r.array(r.mission), r.array(r.token));
  }
  void write(const run& r) {
    pqxx::work tx{runner->raw()};
    auto locked = lock(tx, r);
    ASSERT_EQ(locked.size(), 1u);
    auto row = locked[0];
    EXPECT_EQ(row["ord"].as<int>(), 1);
    EXPECT_EQ(row["slot_us"].as<std::int64_t>(), r.slot_us);
    EXPECT_FALSE(row["refold"].as<bool>());
    EXPECT_TRUE(row["pending"].is_null());
    pg::text_array data, stamps, record;
    data.add(R"({"nextRunAt":"2099-01-01T00:00:00.000Z"})");
    stamps.add(R"({"nextRunAt":"2026-03-01T08:00:00.000Z"})");
    record.add(row["record"].as<std::string>());
    pg::connection::exec_in(
        tx,
        "SELECT mana_ai.write_iterations($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::text[],"
        " $6::text[], $7::text[], $8::bigint[], $9::uuid[], $10::bigint[], $11::text[], $12::text[])",
        r.array(r.user), r.array(r.mission), r.array(r.token), "{00000000-0000-4000-8000-000000000001}", data.str(),
        stamps.str(), record.str(), "{" + row["now_us"].as<std::string>() + "}",
        "{00000000-0000-4000-8000-000000000001}", "{" + std::to_string(r.slot_us + 3'600'000'000) + "}",
        "{waiting-for-review}", "{NULL}");
    tx.commit();
  }
  pqxx::result release(const run& r, const std::string& retry_after_ms, const std::string& counts) {
    return runner->exec("SELECT ord FROM mana_ai.release_runs($1::text[], $2::text[], $3::uuid[], $4::bigint[],"
                        " $5::bigint[], $6::boolean[], $7::text[])",
                        r.array(r.user), r.array(r.mission), r.array(r.token), "{" + std::to_string(r.slot_us) + "}",
                        "{" + retry_after_ms + "}", "{" + counts + "}", "{\"llm_timeout: no answer\"}");
  }
  std::string column(const std::string& name, const std::string& mission = "m1") {
    return query("SELECT " + name + " FROM mana_ai.mission_snapshots WHERE mission_id = '" + mission + "'");
  }

  std::unique_ptr<pg::connection> runner;
};

TEST_F(previous_release, claims_and_writes) {
  insert_mission("u1", "m1", past);
  refresh();
  auto runs = claim();
  ASSERT_EQ(runs.size(), 1u);
  write(runs[0]);
  EXPECT_EQ(column("hold"), "waiting-for-review");
  EXPECT_EQ(column("lease_token"), "");
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "1");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty"), "0");
}

TEST_F(previous_release, claims_and_releases) {
  insert_mission("u1", "m1", past);
  refresh();
  auto runs = claim();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(release(runs[0], "0", "f").size(), 1u);
  EXPECT_EQ(column("attempt"), "0");
  EXPECT_EQ(column("last_error"), "llm_timeout: no answer");
  EXPECT_EQ(release(runs[0], "0", "t").size(), 0u); // the lease is over
}

TEST_F(previous_release, settles_what_a_new_claim_would_have_reserved) {
  insert_mission("u1", "m1", past);
  refresh();
  auto runs = claim();
  ASSERT_EQ(runs.size(), 1u);
  query("UPDATE mana_ai.mission_snapshots SET reserved_tokens = 100");
  query("UPDATE mana_ai.user_turns SET tokens_in_day = 150");
  release(runs[0], "0", "t");
  EXPECT_EQ(query("SELECT tokens_in_day FROM mana_ai.user_turns"), "150");
}

TEST_F(previous_release, renews_and_rescues) {
  insert_mission("u1", "m1", past);
  insert_mission("u2", "m2", past);
  refresh();
  auto runs = claim();
  ASSERT_EQ(runs.size(), 2u);
  auto renewed =
      runner->exec("SELECT lost_ord FROM mana_ai.renew_leases($1::text[], $2::text[], $3::uuid[],"
                   " $4::bigint * interval '1 millisecond')",
                   "{" + runs[0].user + "," + runs[1].user + "}", "{" + runs[0].mission + "," + runs[1].mission + "}",
                   "{" + runs[0].token + ",00000000-0000-4000-8000-000000000000}", 3'600'000);
  ASSERT_EQ(renewed.size(), 1u);
  EXPECT_EQ(renewed[0][0].as<int>(), 2);
  query("UPDATE mana_ai.mission_snapshots SET lease_until = '2026-01-01' WHERE mission_id = '" + runs[1].mission + "'");
  auto rescued =
      runner->exec("SELECT mana_ai.rescue_missions($1), (SELECT waiting_ms FROM mana_ai.line_status())", 200)[0];
  EXPECT_EQ(rescued[0].as<std::size_t>(), 1u);
  EXPECT_EQ(column("lease_token", runs[1].mission), "");
  EXPECT_EQ(column("lease_token", runs[0].mission), runs[0].token);
}

TEST_F(previous_release, hands_back) {
  insert_mission("u1", "m1", past);
  refresh();
  auto runs = claim();
  ASSERT_EQ(runs.size(), 1u);
  auto& r = runs[0];
  auto back = runner->exec("SELECT count(*) FROM mana_ai.hand_back_runs($1::text[], $2::text[], $3::uuid[])",
                           r.array(r.user), r.array(r.mission), r.array(r.token));
  EXPECT_EQ(back[0][0].as<int>(), 1);
  EXPECT_EQ(claim().size(), 1u); // as a first attempt
}

TEST_F(previous_release, stores_the_record_of_a_run_whose_grant_is_gone) {
  insert_mission("u1", "m1", past);
  refresh();
  auto runs = claim();
  ASSERT_EQ(runs.size(), 1u);
  pqxx::work tx{runner->raw()};
  ASSERT_EQ(lock(tx, runs[0]).size(), 1u);
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", "u1");
  auto stored = pg::connection::exec_in(
      tx,
      "UPDATE mana_ai.mission_snapshots SET record = $3::jsonb, last_applied_at ="
      " timestamptz 'epoch' + $4::bigint * interval '1 microsecond', last_applied_id = $5::uuid,"
      " updated_at = now() WHERE user_id = $1 AND mission_id = $2 AND lease_token = $6::uuid",
      "u1", "m1", R"({"id":"m1"})", 1, "00000000-0000-4000-8000-000000000001", runs[0].token);
  EXPECT_EQ(stored.affected_rows(), 1u);
  tx.commit();
}

TEST_F(previous_release, shares_the_missions_with_this_one) {
  for (auto* mission : {"m1", "m2", "m3"})
    insert_mission("u1", mission, past);
  refresh();
  auto mine = runner->exec("SELECT mission_id FROM mana_ai.claim_missions(1, 8, interval '15 s', 'new',"
                           " p_runs_per_hour => 3600, p_tokens_per_day => 2000000, p_tokens_per_run => 12000)");
  ASSERT_EQ(mine.size(), 1u);
  std::vector<std::string> all{mine[0][0].as<std::string>()};
  for (auto& r : claim())
    all.push_back(r.mission);
  EXPECT_THAT(all, UnorderedElementsAre("m1", "m2", "m3"));
}

} // namespace
} // namespace mana
