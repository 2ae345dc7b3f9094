// The snapshot refresher's work on a real change log.
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

struct refresh : testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    runner = std::make_unique<pg::connection>(runner_url());
  }
  void TearDown() override {
    runner.reset();
    database_fixture::TearDown();
  }
  refresh_batch_result drain() { return refresh_batch(*runner, 500, {}); }
  std::string scheduled(const std::string& user, const std::string& mission) {
    return query("SELECT coalesce(to_char(claimable_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), hold) FROM"
                 " mana_ai.mission_snapshots WHERE user_id = '"
                 + user + "' AND mission_id = '" + mission + "'");
  }

  std::unique_ptr<pg::connection> runner;
};

TEST_F(refresh, a_new_mission_becomes_a_snapshot_and_the_queue_is_empty) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  auto r = drain();
  EXPECT_EQ(r.taken, 1u);
  EXPECT_EQ(r.counts.created, 1u);
  EXPECT_EQ(r.counts.rows_applied, 1u);
  EXPECT_EQ(snapshot("u1", "m1").text("title"), "Test");
  EXPECT_EQ(scheduled("u1", "m1"), "2026-03-01 08:00");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty"), "0");
  EXPECT_EQ(drain().taken, 0u);
}

TEST_F(refresh, entries_before_the_floor_wait_for_the_next_look) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  dirty_queue queue;
  auto now = queue_floor::time_point::clock::now();
  queue.floor->looked(1'000'000, now - std::chrono::hours{1}, now); // no other look for nine hours
  auto r = refresh_batch(*runner, 500, {}, queue);
  EXPECT_EQ(r.taken, 0u);
  EXPECT_FALSE(r.saw_all);
  queue.whole = true;
  r = refresh_batch(*runner, 500, {}, queue);
  EXPECT_EQ(r.taken, 1u);
  EXPECT_TRUE(r.saw_all);
}

TEST_F(refresh, the_floor_follows_what_was_taken) {
  dirty_queue queue{std::make_shared<queue_floor>(0)};
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  auto id = std::stoll(query("SELECT id FROM mana_ai.mission_dirty"));
  EXPECT_EQ(refresh_batch(*runner, 500, {}, queue).taken, 1u);
  EXPECT_EQ(queue.floor->get(), id);
  insert_mission("u1", "m2", "2026-03-01T08:00:00.000Z");
  EXPECT_EQ(refresh_batch(*runner, 500, {}, queue).taken, 1u);
  EXPECT_GT(queue.floor->get(), id);
}

TEST_F(refresh, rows_of_other_tables_are_not_noted) {
  append_to("companion", "companionGoals", "u1", "g1", "insert", R"({"title":"Lesen"})");
  append_to("todo", "aiMissions", "u1", "m1", "insert", R"({"title":"not ours"})");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty"), "0");
}

TEST_F(refresh, a_row_that_began_before_and_committed_after_a_drain_is_applied) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  pg::connection late{sync_url()};
  pqxx::work tx{late.raw()}; // its created_at is older than everything below
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', 'u1', true)");
  pg::connection::exec_in(
      tx,
      "INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, field_timestamps, client_id)"
      " VALUES ('ai', 'aiMissions', 'm1', 'u1', 'update', '{\"objective\":\"late\"}',"
      " '{\"objective\":\"2026-02-01T00:00:00.000Z\"}', 'slow')");
  append("u1", "m1", "update", R"({"title":"early"})", R"({"title":"2026-02-02T00:00:00.000Z"})");
  EXPECT_EQ(drain().taken, 2u);
  EXPECT_EQ(snapshot("u1", "m1").text("objective"), "Plan");
  tx.commit();
  EXPECT_EQ(drain().taken, 1u);
  EXPECT_EQ(snapshot("u1", "m1").text("objective"), "late");
  EXPECT_EQ(snapshot("u1", "m1").text("title"), "early");
}

TEST_F(refresh, a_late_row_whose_order_matters_refolds_the_history) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  pg::connection late{sync_url()};
  pqxx::work tx{late.raw()};
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', 'u1', true)");
  pg::connection::exec_in(
      tx,
      "INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, field_timestamps, client_id)"
      " VALUES ('ai', 'aiMissions', 'm1', 'u1', 'update', '{\"title\":\"first\"}',"
      " '{\"title\":\"2026-02-01T00:00:00.000Z\"}', 'slow')");
  // Same stamp: the row that is later in the log wins, whichever became visible first.
  append("u1", "m1", "update", R"({"title":"second"})", R"({"title":"2026-02-01T00:00:00.000Z"})");
  drain();
  tx.commit();
  drain();
  EXPECT_EQ(snapshot("u1", "m1").text("title"), "second");
}

TEST_F(refresh, rows_of_one_transaction_share_created_at_and_apply_in_the_order_of_their_ids) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  drain();
  pg::connection c{sync_url()};
  pqxx::work tx{c.raw()};
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', 'u1', true)");
  for (auto [id, title] : {std::pair{"00000000-0000-4000-8000-000000000002", "two"},
                           std::pair{"00000000-0000-4000-8000-000000000001", "one"}})
    pg::connection::exec_in(
        tx,
        "INSERT INTO public.sync_changes (id, app_id, table_name, record_id, user_id, op, data, field_timestamps,"
        " client_id) VALUES ($1, 'ai', 'aiMissions', 'm1', 'u1', 'update', jsonb_build_object('title', $2::text),"
        " '{\"title\":\"2026-02-01T00:00:00.000Z\"}', 'test')",
        id, title);
  tx.commit();
  EXPECT_EQ(drain().counts.rows_applied, 2u);
  EXPECT_EQ(snapshot("u1", "m1").text("title"), "two");
}

TEST_F(refresh, delete_undelete_and_reinsert) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  drain();
  append("u1", "m1", "delete", R"({"deletedAt":"2026-02-01T00:00:00.000Z"})");
  EXPECT_EQ(drain().counts.removed, 1u);
  EXPECT_TRUE(snapshot("u1", "m1").is_null());
  append("u1", "m1", "update", R"({"deletedAt":null})", R"({"deletedAt":"2026-02-02T00:00:00.000Z"})");
  EXPECT_EQ(drain().counts.created, 1u);
  EXPECT_EQ(snapshot("u1", "m1").text("title"), "Test");
  EXPECT_EQ(scheduled("u1", "m1"), "2026-03-01 08:00");
  append("u1", "m1", "delete", "{}");
  EXPECT_EQ(drain().counts.removed, 1u);
  insert_mission("u1", "m1", "2026-04-01T08:00:00.000Z");
  EXPECT_EQ(drain().counts.created, 1u);
  EXPECT_EQ(scheduled("u1", "m1"), "2026-04-01 08:00");
}

TEST_F(refresh, a_paused_mission_is_held_and_a_resumed_one_is_not) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  append("u1", "m1", "update", R"({"state":"paused"})", R"({"state":"2026-02-01T00:00:00.000Z"})");
  drain();
  EXPECT_EQ(scheduled("u1", "m1"), "paused");
  EXPECT_EQ(query("SELECT queue_at FROM mana_ai.user_turns WHERE user_id = 'u1'"), "infinity");
  append("u1", "m1", "update", R"({"state":"active"})", R"({"state":"2026-02-02T00:00:00.000Z"})");
  drain();
  EXPECT_EQ(scheduled("u1", "m1"), "2026-03-01 08:00");
}

TEST_F(refresh, garbage_of_one_tenant_does_not_stop_the_others) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  append("u2", "m2", "insert", "[1,2,3]", "");
  append("u3", "m3", "insert", R"({"title":7,"iterations":"none","inputs":{"a":1},"cadence":[],"nextRunAt":"soon"})");
  std::string deep(200, '[');
  append("u4", "m4", "insert", R"({"title":)" + deep + std::string(200, ']') + "}");
  auto r = drain();
  EXPECT_EQ(r.taken, 4u);
  EXPECT_EQ(r.deferred, 0u);
  EXPECT_EQ(scheduled("u1", "m1"), "2026-03-01 08:00");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty"), "0");
}

TEST_F(refresh, an_entry_that_cannot_be_stored_is_deferred_and_the_rest_is_folded) {
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  insert_mission("u2", "m2", "2026-03-01T08:00:00.000Z");
  query("ALTER TABLE mana_ai.mission_snapshots ADD CONSTRAINT broken CHECK (user_id <> 'u2')");
  auto r = drain();
  EXPECT_EQ(r.deferred, 1u);
  EXPECT_EQ(r.counts.created, 1u);
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty WHERE not_before > now()"), "1");
  EXPECT_EQ(drain().taken, 0u); // it waits
}

TEST_F(refresh, the_bootstrap_script_finds_missions_that_are_older_than_the_trigger) {
  query("ALTER TABLE public.sync_changes DISABLE TRIGGER mana_ai_note_mission_change");
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  append("u1", "m1", "update", R"({"title":"x"})", R"({"title":"2026-02-01T00:00:00.000Z"})");
  query("ALTER TABLE public.sync_changes ENABLE TRIGGER mana_ai_note_mission_change");
  EXPECT_EQ(drain().taken, 0u);
  auto script = "psql -q -X -v ON_ERROR_STOP=1 -f '" + std::string{MANA_TEST_DATA}
                + "/../deploy/sql/30_bootstrap.sql' '" + superuser_url() + "' >/dev/null";
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(std::system(script.c_str()), 0); // NOLINT(cert-env33-c)
  auto r = drain();
  EXPECT_EQ(r.taken, 1u);
  EXPECT_EQ(r.counts.rows_applied, 2u);
  EXPECT_EQ(snapshot("u1", "m1").text("title"), "x");
  ASSERT_EQ(std::system(script.c_str()), 0); // NOLINT(cert-env33-c)
  EXPECT_EQ(drain().taken, 0u);
}

// What the planner takes a queue for that was vacuumed while it was empty and kept its pages, as most are. The users'
// order is not that of the entries.
TEST_F(refresh, a_batch_is_the_first_entries_and_locks_no_others_whatever_the_planner_thinks) {
  for (int i = 0; i < 40; ++i)
    insert_mission("u" + std::to_string(i * 7 % 10), "m" + std::to_string(i), "2026-03-01T08:00:00.000Z");
  query("UPDATE pg_class SET relpages = 20, reltuples = 0 WHERE relname LIKE 'mission_dirty%' AND relkind = 'r'"
        " RETURNING 1");
  auto taken_by = [](pqxx::transaction_base& tx) {
    std::vector<std::string> out;
    for (const auto& row : pg::connection::exec_in(tx, "SELECT mission_id FROM mana_ai.take_dirty(15)"))
      out.push_back(row[0].as<std::string>());
    return out;
  };
  auto missions = [](int first, int end) {
    std::vector<std::string> out;
    for (int i = first; i < end; ++i)
      out.push_back("m" + std::to_string(i));
    return out;
  };
  pg::connection other{runner_url()};
  pqxx::work here{runner->raw()};
  pqxx::work there{other.raw()};
  EXPECT_EQ(taken_by(here), missions(0, 15));
  EXPECT_EQ(taken_by(there), missions(15, 30));
  here.commit();
  there.commit();
  EXPECT_EQ(drain().taken, 10u);
}

TEST_F(refresh, replicas_share_the_queue) {
  for (int i = 0; i < 40; ++i)
    insert_mission("u" + std::to_string(i % 5), "m" + std::to_string(i), "2026-03-01T08:00:00.000Z");
  pg::connection other{runner_url()};
  std::size_t by_this = 0, by_other = 0;
  for (std::size_t more = 1; more > 0;) {
    auto a = refresh_batch(*runner, 3, {}).taken;
    auto b = refresh_batch(other, 3, {}).taken;
    by_this += a;
    by_other += b;
    more = a + b;
  }
  EXPECT_EQ(by_this + by_other, 40u);
  EXPECT_GT(by_other, 0u);
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_snapshots"), "40");
}

} // namespace
} // namespace mana
