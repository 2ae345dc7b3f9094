#include "tests/postgres/database_fixture.hpp"

#include "infra/postgres/migrator.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include <unistd.h>

namespace mana::testing {

namespace {

const std::string source_dir = std::string{MANA_TEST_DATA} + "/..";

// scheme://user[:password]@host:port/ of a URL.
std::string without_database(const std::string& url) { return url.substr(0, url.rfind('/') + 1); }

void run_sql_file(const std::string& url, const std::string& file, const std::string& variables) {
  auto command = "psql -q -X -v ON_ERROR_STOP=1 " + variables + " -f '" + source_dir + "/deploy/sql/" + file + "' '"
                 + url + "' >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << file; // NOLINT(cert-env33-c): a fixed command of the test's own
}

} // namespace

void database_fixture::SetUp() {
  const char* url = std::getenv("MANA_TEST_SUPERUSER_URL");
  if (url == nullptr)
    throw std::runtime_error{"set MANA_TEST_SUPERUSER_URL, or run tests/run.sh"};
  unsetenv("LD_PRELOAD"); // what a clock or a sanitizer needs is meant for this process, not for psql
  superuser_server_ = without_database(url);
  server_ = superuser_server_.substr(superuser_server_.find('@') + 1);
  server_.pop_back();
  const char* pooler = std::getenv("MANA_TEST_POOLER");
  pooler_ = pooler == nullptr ? server_ : pooler;
  static std::atomic<int> count{0};
  name_ = "mana_test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
  pg::connection admin{url};
  // Roles belong to the cluster: test processes that set passwords at the same time would collide.
  admin.exec("SELECT pg_advisory_lock(4711)");
  admin.exec("CREATE DATABASE " + name_);
  run_sql_file(superuser_url(), "00_roles.sql", "-v runner_password=runner-test -v migrator_password=migrator-test");
  run_sql_file(superuser_url(), "01_auth_roles.sql", "-v auth_password=auth-test -v migrator_password=migrator-test");
  run_sql_file(superuser_url(), "10_standalone_sync.sql", "-v sync_password=sync-test");
  run_sql_file(superuser_url(), "20_grants.sql", "");
  admin.exec("SELECT pg_advisory_unlock(4711)");
  for (auto* set : {&pg::runner_migrations(), &pg::auth_migrations()}) {
    auto applied = pg::migrate(migrator_url(), *set);
    ASSERT_TRUE(applied) << applied.error().detail;
  }
  // The same tests on tables that are partitioned by user.
  if (std::getenv("MANA_TEST_PARTITIONED") != nullptr)
    run_sql_file(superuser_url(), "40_partition_by_user.sql", "-v partitions=4");
  superuser_ = std::make_unique<pg::connection>(superuser_url());
  sync_ = std::make_unique<pg::connection>(sync_url());
}

void database_fixture::TearDown() {
  superuser_.reset();
  sync_.reset();
  if (name_.empty())
    return;
  pg::connection admin{std::getenv("MANA_TEST_SUPERUSER_URL")};
  admin.exec("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
}

std::string database_fixture::url_for(const std::string& login, const std::string& password) const {
  return url_at(pooler_, login, password);
}

std::string database_fixture::url_at(const std::string& server, const std::string& login,
                                     const std::string& password) const {
  return "postgresql://" + login + ":" + password + "@" + server + "/" + name_;
}

std::string database_fixture::append_to(const std::string& app, const std::string& table, const std::string& user,
                                        const std::string& record, const std::string& op, const std::string& data,
                                        const std::string& stamps) {
  pqxx::work tx{sync_->raw()};
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user);
  auto row = pg::connection::exec_in(
      tx,
      "INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, field_timestamps, client_id)"
      " VALUES ($1, $2, $3, $4, $5, $6::jsonb, nullif($7, '')::jsonb, 'test') RETURNING id",
      app, table, record, user, op, data, stamps);
  tx.commit();
  return row[0][0].as<std::string>();
}

std::string database_fixture::append(const std::string& user, const std::string& mission, const std::string& op,
                                     const std::string& data, const std::string& stamps) {
  return append_to("ai", "aiMissions", user, mission, op, data, stamps);
}

void database_fixture::insert_mission(const std::string& user, const std::string& mission, const std::string& due) {
  append(user, mission, "insert",
         R"({"id":")" + mission + R"(","userId":")" + user + R"(","title":"Test","objective":"Plan",)"
             + R"("conceptMarkdown":"","inputs":[],"cadence":{"kind":"interval","everyMinutes":60},"state":"active",)"
             + R"("nextRunAt":")" + due + R"(","iterations":[],"createdAt":"2026-01-01T00:00:00.000Z",)"
             + R"("updatedAt":"2026-01-01T00:00:00.000Z"})");
}

std::string database_fixture::query(const std::string& sql) {
  auto rows = superuser_->exec(sql);
  return rows.empty() || rows[0][0].is_null() ? std::string{} : rows[0][0].as<std::string>();
}

json::value database_fixture::snapshot(const std::string& user, const std::string& mission) {
  auto rows = superuser_->exec(
      "SELECT record::text FROM mana_ai.mission_snapshots WHERE user_id = $1 AND mission_id = $2", user, mission);
  if (rows.empty())
    return {};
  auto parsed = json::parse(pg::view(rows[0][0]));
  return parsed ? *parsed : json::value{};
}

} // namespace mana::testing
