// A database of its own for each test: created from the operator's SQL files and the embedded
// migrations, so that the tests run with the roles and rights of production. The server comes from
// MANA_TEST_SUPERUSER_URL (tests/run.sh starts one); without it the tests fail, they do not pass. With
// MANA_TEST_POOLER=host:port everything that the services do goes through a pooler in front of it; what
// LISTENs, and the superuser who looks after them, does not.
#pragma once

#include "infra/json/value.hpp"
#include "infra/postgres/connection.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mana::testing {

class database_fixture : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  // URLs of the test's database: superuser, the logins of runner and auth, the migrating login, the
  // log's writer.
  std::string superuser_url() const;
  std::string runner_url() const { return url_for("mana_ai_runner", "runner-test"); }
  std::string auth_url() const { return url_for("mana_auth", "auth-test"); }
  std::string migrator_url() const { return url_for("mana_ai_migrator", "migrator-test"); }
  std::string sync_url() const { return url_for("mana_sync", "sync-test"); }
  // The runner's login on a session of its own, with or without a pooler.
  std::string direct_runner_url() const { return direct_url("mana_ai_runner", "runner-test"); }
  std::string direct_url(const std::string& login, const std::string& password) const;
  const std::string& name() const { return name_; }

  // Appends a row to the log as the sync service does, under the user's scope, and commits.
  // Returns the row's id. `stamps` may be empty text for SQL NULL.
  std::string append(const std::string& user, const std::string& mission, const std::string& op,
                     const std::string& data, const std::string& stamps = "{}");
  std::string append_to(const std::string& app, const std::string& table, const std::string& user,
                        const std::string& record, const std::string& op, const std::string& data,
                        const std::string& stamps = "{}");

  // An active mission whose slot is `due` (ISO), with an hourly cadence.
  void insert_mission(const std::string& user, const std::string& mission, const std::string& due);

  // One value of a query as superuser; empty text for null or no row.
  std::string query(const std::string& sql);

  // Closes a session that passes no pooler (a pooler's lives on) and waits for its end: what it did is in the
  // server's statistics then.
  void close_and_count(std::unique_ptr<pg::connection> direct);

  // The stored snapshot; null when there is none.
  json::value snapshot(const std::string& user, const std::string& mission);

private:
  std::string url_for(const std::string& login, const std::string& password) const;

  std::string name_;
  std::unique_ptr<pg::connection> superuser_;
  std::unique_ptr<pg::connection> sync_;
};

} // namespace mana::testing
