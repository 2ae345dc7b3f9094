// What the service's own login can and cannot reach.
#include "actors/mission_claimer/claim_queries.hpp"
#include "actors/schema_keeper/schema_queries.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "infra/postgres/migrator.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <numeric>
#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;

struct isolation : testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
    insert_mission("u2", "m2", "2026-03-01T08:00:00.000Z");
    runner = std::make_unique<pg::connection>(runner_url());
    refresh_batch(*runner, 500, {});
    append("u2", "m2", "update", R"({"title":"x"})", R"({"title":"2026-02-01T00:00:00.000Z"})");
  }
  void TearDown() override {
    runner.reset();
    database_fixture::TearDown();
  }
  // Rows that a statement of the runner's login returns or changes with `user` as its scope.
  result<std::size_t> as_runner(const std::string& user, const std::string& sql) {
    return pg::attempt([&] {
      pqxx::work tx{runner->raw()};
      if (!user.empty())
        pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user);
      auto r = pg::connection::exec_in(tx, sql);
      return r.columns() > 0 ? static_cast<std::size_t>(r.size()) : static_cast<std::size_t>(r.affected_rows());
    });
  }

  std::unique_ptr<pg::connection> runner;
};

TEST_F(isolation, the_login_has_no_power_of_its_own) {
  EXPECT_EQ(query("SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname ="
                  " 'mana_ai_runner'"),
            "f");
  EXPECT_EQ(
      query("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE rolname = 'mana_ai_runner'"),
      "0");
  EXPECT_EQ(query("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'mana_ai_owner'"), "f");
  EXPECT_EQ(query("SELECT pg_has_role('mana_ai_runner', 'mana_ai_owner', 'MEMBER')"), "f");
}

TEST_F(isolation, without_a_scope_no_row_is_visible) {
  for (auto table : {"public.sync_changes", "mana_ai.mission_snapshots", "mana_ai.user_turns", "mana_ai.mission_dirty"})
    for (auto user : {"", "nobody"}) {
      auto rows = as_runner(user, std::string{"SELECT 1 FROM "} + table);
      ASSERT_TRUE(rows) << table;
      EXPECT_EQ(*rows, 0u) << table << " as " << user;
    }
}

TEST_F(isolation, another_users_rows_cannot_be_read_or_changed) {
  for (auto sql : {"SELECT 1 FROM public.sync_changes WHERE user_id = 'u2'",
                   "SELECT 1 FROM mana_ai.mission_snapshots WHERE user_id = 'u2'",
                   "SELECT 1 FROM mana_ai.mission_dirty WHERE user_id = 'u2'",
                   "UPDATE mana_ai.mission_snapshots SET hold = 'paused', claimable_at = NULL WHERE user_id = 'u2'",
                   "UPDATE mana_ai.user_turns SET queue_at = 'infinity' WHERE user_id = 'u2'",
                   "DELETE FROM mana_ai.mission_snapshots WHERE user_id = 'u2'"}) {
    auto rows = as_runner("u1", sql);
    ASSERT_TRUE(rows) << sql << rows.error().detail;
    EXPECT_EQ(*rows, 0u) << sql;
  }
  for (auto sql : {"INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, client_id) VALUES"
                   " ('ai', 'aiMissions', 'm2', 'u2', 'delete', 'x')",
                   "UPDATE mana_ai.mission_snapshots SET user_id = 'u2' WHERE user_id = 'u1'"}) {
    auto rows = as_runner("u1", sql);
    ASSERT_FALSE(rows) << sql;
    EXPECT_EQ(rows.error().code, errc::database_refused);
  }
}

TEST_F(isolation, the_log_and_the_queue_are_append_and_take_only) {
  for (auto sql :
       {"UPDATE public.sync_changes SET data = '{}'", "DELETE FROM public.sync_changes", "TRUNCATE public.sync_changes",
        "DELETE FROM mana_ai.mission_dirty",
        "INSERT INTO mana_ai.mission_dirty (user_id, mission_id) VALUES ('u1','m')",
        "UPDATE mana_ai.schema_migrations SET checksum = ''",
        "ALTER TABLE mana_ai.mission_snapshots DISABLE ROW LEVEL SECURITY", "SET ROLE mana_ai_owner",
        "CREATE TABLE mana_ai.mine (x int)", "CREATE FUNCTION mana_ai.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"}) {
    auto rows = as_runner("u1", sql);
    ASSERT_FALSE(rows) << sql;
    EXPECT_EQ(rows.error().code, errc::database_refused) << sql << rows.error().detail;
  }
}

TEST_F(isolation, only_the_runner_executes_the_functions_that_look_across_users) {
  pg::connection sync{sync_url()};
  for (auto sql :
       {"SELECT * FROM mana_ai.claim_missions(1, 1, interval '1 s', 'x')", "SELECT * FROM mana_ai.take_dirty(1)",
        "SELECT mana_ai.dirty_count()", "SELECT mana_ai.first_dirty()", "SELECT * FROM mana_ai.line_status()",
        "SELECT mana_ai.line_start()", "SELECT * FROM mana_ai.line_ahead()",
        "SELECT * FROM mana_ai.rescue_crashed_runs(1)", "SELECT * FROM mana_ai.list_quarantined(1)",
        "SELECT mana_ai.quarantined_count()", "SELECT mana_ai.release_mission('u1', 'm1')"}) {
    auto refused = pg::attempt([&] { return sync.exec(sql).size(); });
    ASSERT_FALSE(refused) << sql;
    EXPECT_EQ(refused.error().code, errc::database_refused);
  }
  EXPECT_EQ(
      query("SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname = 'mana_ai'"
            " AND prosecdef AND (proconfig IS NULL OR NOT proconfig::text LIKE '%search_path=pg_catalog, pg_temp%')"),
      "0");
}

TEST_F(isolation, a_claim_returns_only_what_is_due) {
  insert_mission("u3", "m3", "2099-03-01T08:00:00.000Z");
  refresh_batch(*runner, 500, {});
  for (auto& m : claim_due_missions(*runner, {100, 8}, {15s, "a"}).missions)
    EXPECT_NE(m.held.key.user.value, "u3");
}

TEST_F(isolation, a_user_id_full_of_quotes_and_braces_stays_one_user) {
  auto odd = std::string{R"(o'h{"a\,b}"; DROP TABLE x; --)"};
  append(odd, "m9", "insert", R"({"title":"Test","state":"active","nextRunAt":"2026-03-01T08:00:00.000Z"})");
  refresh_batch(*runner, 500, {});
  bool found = false;
  for (auto& m : claim_due_missions(*runner, {100, 8}, {15s, "a"}).missions)
    found = found || m.held.key.user.value == odd;
  EXPECT_TRUE(found);
}

TEST_F(isolation, several_replicas_migrate_at_once) {
  query("DROP TRIGGER mana_ai_note_mission_change ON public.sync_changes");
  query("DROP SCHEMA mana_ai CASCADE");
  query("CREATE SCHEMA mana_ai AUTHORIZATION mana_ai_owner");
  query("GRANT USAGE ON SCHEMA mana_ai TO mana_ai_runner");
  std::vector<std::size_t> applied(4, 99);
  std::vector<std::thread> replicas;
  for (auto& a : applied)
    replicas.emplace_back([&] {
      if (auto n = pg::migrate(migrator_url(), pg::runner_migrations()))
        a = *n;
    });
  for (auto& r : replicas)
    r.join();
  EXPECT_EQ(std::accumulate(applied.begin(), applied.end(), std::size_t{0}), pg::runner_migrations().migrations.size());
}

TEST_F(isolation, an_older_release_runs_beside_a_newer_schema) {
  query("INSERT INTO mana_ai.schema_migrations (number, name, checksum) VALUES (1000, 'of_the_next_release', 'x')");
  auto applied = pg::migrate(migrator_url(), pg::runner_migrations());
  ASSERT_TRUE(applied) << applied.error().detail;
  EXPECT_EQ(*applied, 0u);
  auto status = status_of(runner_schema().inspect(*runner));
  EXPECT_TRUE(status.migrated) << status.failing_because;
  EXPECT_TRUE(status.warnings.empty());
}

TEST_F(isolation, a_migration_that_changed_after_it_was_applied_is_refused) {
  query("UPDATE mana_ai.schema_migrations SET checksum = 'other' WHERE number = 2");
  auto r = pg::migrate(migrator_url(), pg::runner_migrations());
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().detail.find("migration 2"), std::string::npos);
}

TEST_F(isolation, errors_of_the_server_become_codes) {
  auto wrong =
      pg::attempt([&] { return pg::connection{direct_url("mana_ai_runner", "wrong")}.exec("SELECT 1").size(); });
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, errc::database_unavailable);
  EXPECT_NE(wrong.error().detail.find("password authentication failed"), std::string::npos);
  EXPECT_EQ(wrong.error().detail.find("wrong"), std::string::npos);
  EXPECT_EQ(as_runner("u1", "SELECT 1/0").error().code, errc::database_refused);
  auto slow = pg::attempt([&] {
    pqxx::work tx{runner->raw()};
    tx.exec("SET LOCAL statement_timeout = 20");
    return tx.exec("SELECT pg_sleep(5)").size();
  });
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, errc::database_timeout);
}

} // namespace
} // namespace mana
