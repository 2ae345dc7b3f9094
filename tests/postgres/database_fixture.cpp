#include "tests/postgres/database_fixture.hpp"

#include "infra/postgres/migrator.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include <unistd.h>

namespace mana::testing {

namespace {

const std::string source_dir = std::string{MANA_TEST_DATA} + "/..";

// From MANA_TEST_SUPERUSER_URL and MANA_TEST_POOLER.
struct server_under_test {
  std::string admin_url;
  std::string superuser; // its URL up to a database's name
  std::string address;   // host:port
  std::string pooler;    // the same, or of the pooler
};

server_under_test server_of_environment() {
  const char* url = std::getenv("MANA_TEST_SUPERUSER_URL");
  if (url == nullptr)
    throw std::runtime_error{"set MANA_TEST_SUPERUSER_URL, or run tests/run.sh"};
  server_under_test s;
  s.admin_url = url;
  s.superuser = s.admin_url.substr(0, s.admin_url.rfind('/') + 1);
  s.address = s.superuser.substr(s.superuser.find('@') + 1);
  s.address.pop_back();
  const char* pooler = std::getenv("MANA_TEST_POOLER");
  s.pooler = pooler == nullptr ? s.address : pooler;
  return s;
}

const server_under_test& server() {
  static const auto s = server_of_environment();
  return s;
}

std::string url_at(const std::string& address, const std::string& login, const std::string& password,
                   const std::string& database) {
  return "postgresql://" + login + ":" + password + "@" + address + "/" + database;
}

std::string migrator_at(const std::string& database) {
  return url_at(server().pooler, "mana_ai_migrator", "migrator-test", database);
}

void run_sql_file(const std::string& url, const std::string& file, const std::string& variables) {
  auto command = "psql -q -X -v ON_ERROR_STOP=1 " + variables + " -f '" + source_dir + "/deploy/sql/" + file + "' '"
                 + url + "' >/dev/null";
  if (std::system(command.c_str()) != 0) // NOLINT(cert-env33-c): a fixed command of the test's own
    throw std::runtime_error{file + " failed"};
}

void prepare_database(const std::string& name) {
  auto url = server().superuser + name;
  run_sql_file(url, "00_roles.sql", "-v runner_password=runner-test -v migrator_password=migrator-test");
  run_sql_file(url, "01_auth_roles.sql", "-v auth_password=auth-test -v migrator_password=migrator-test");
  run_sql_file(url, "10_standalone_sync.sql", "-v sync_password=sync-test");
  run_sql_file(url, "20_grants.sql", "");
  for (auto* set : {&pg::runner_migrations(), &pg::auth_migrations(), &pg::sync_migrations()})
    if (auto applied = pg::migrate(migrator_at(name), *set); !applied)
      throw std::runtime_error{applied.error().detail};
  // The same tests on tables that are partitioned by user.
  if (std::getenv("MANA_TEST_PARTITIONED") != nullptr)
    run_sql_file(url, "40_partition_by_user.sql", "-v partitions=4");
}

// What the databases of all tests are copies of, made once in a process: a copy takes a fraction of the
// time that a preparation takes.
class model_database : public ::testing::Environment {
public:
  static std::string name() { return "mana_test_" + std::to_string(getpid()) + "_model"; }

  void SetUp() override {
    unsetenv("LD_PRELOAD"); // what a clock or a sanitizer needs is meant for this process, not for psql
    try {
      make();
    } catch (const std::exception& e) {
      FAIL() << e.what();
    }
  }

  void TearDown() override {
    if (made_)
      pg::connection{server().admin_url}.exec("DROP DATABASE IF EXISTS " + name() + " WITH (FORCE)");
  }

private:
  void make() {
    pg::connection admin{server().admin_url};
    admin.exec("CREATE DATABASE " + name());
    made_ = true;
    // Roles belong to the cluster: test processes that set passwords at the same time would collide.
    admin.exec("SELECT pg_advisory_lock(4711)");
    prepare_database(name());
    admin.exec("SELECT pg_advisory_unlock(4711)");
    // A pooler keeps its sessions, and what somebody uses cannot be copied.
    admin.exec("ALTER DATABASE " + name() + " ALLOW_CONNECTIONS false");
    admin.exec("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", name());
  }

  bool made_ = false;
};

const auto* const model = ::testing::AddGlobalTestEnvironment(new model_database);

} // namespace

void database_fixture::SetUp() {
  static std::atomic<int> count{0};
  auto name = "mana_test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
  pg::connection{server().admin_url}.exec("CREATE DATABASE " + name + " TEMPLATE " + model_database::name());
  name_ = name;
  superuser_ = std::make_unique<pg::connection>(superuser_url());
  sync_ = std::make_unique<pg::connection>(sync_url());
}

void database_fixture::TearDown() {
  superuser_.reset();
  sync_.reset();
  if (!name_.empty())
    pg::connection{server().admin_url}.exec("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
}

std::string database_fixture::superuser_url() const { return server().superuser + name_; }

std::string database_fixture::url_for(const std::string& login, const std::string& password) const {
  return url_at(server().pooler, login, password, name_);
}

std::string database_fixture::direct_url(const std::string& login, const std::string& password) const {
  return url_at(server().address, login, password, name_);
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

void database_fixture::close_and_count(std::unique_ptr<pg::connection> direct) {
  auto pid = direct->raw().backendpid();
  direct.reset();
  // It counts its statistics before it leaves this list.
  superuser_->exec("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE pid = $1", pid);
  auto left = superuser_->exec("SELECT FROM pg_stat_activity WHERE pid = $1", pid);
  ASSERT_TRUE(left.empty()) << "session " << pid << " does not end";
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
