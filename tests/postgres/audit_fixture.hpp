// Audit rows on a real PostgreSQL, written with the service's own login.
#pragma once

#include "actors/audit_reader/audit_read_queries.hpp"
#include "actors/audit_writer/audit_queries.hpp"
#include "infra/crypto/random_uuid.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <chrono>

namespace mana::testing {

// A run of its own with one decrypted note.
inline write_audit one_note(const std::string& user, const std::string& record = "n1") {
  write_audit w;
  w.held = {{{user}, {"m1"}}, {random_uuid()}};
  w.iteration_id = "0b0e7f5c-7d0e-4f4e-9a6d-3f1f2b7a9c01";
  w.events.push_back({"notes", record, decrypt_status::ok, ""});
  return w;
}

struct audit_fixture : database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    runner = std::make_unique<pg::connection>(runner_url());
  }
  void TearDown() override {
    runner.reset();
    database_fixture::TearDown();
  }

  static std::vector<audit_request> requests(std::vector<write_audit> writes) {
    std::vector<audit_request> out;
    for (auto& w : writes)
      out.push_back(std::make_shared<const write_audit>(std::move(w)));
    return out;
  }
  audit_appended append_all(std::vector<write_audit> writes,
                            std::chrono::milliseconds limit = std::chrono::minutes{1}) {
    return append_audit(*runner, requests(std::move(writes)), limit);
  }
  // `n` runs of one note each.
  void append_notes(const std::string& user, int n) {
    std::vector<write_audit> writes;
    for (int i = 0; i < n; ++i)
      writes.push_back(one_note(user, "n" + std::to_string(i + 1)));
    append_all(std::move(writes));
  }
  audit_verdict verify(const std::string& user, std::size_t chunk = 3) {
    chain_check check;
    while (check_next_rows(*runner, {user}, check, chunk)) {
    }
    return check.verdict();
  }
  audit_page page(const std::string& user, std::size_t limit = 1000) {
    list_audit l;
    l.user = {user};
    l.limit = limit;
    return list_audit_rows(*runner, l);
  }
  // A statement of the service's login, under a user's scope.
  result<std::size_t> as_runner(const std::string& user, const std::string& sql) {
    return pg::attempt([&] {
      pqxx::work tx{runner->raw()};
      pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user);
      auto r = pg::connection::exec_in(tx, sql);
      return r.columns() > 0 ? static_cast<std::size_t>(r.size()) : static_cast<std::size_t>(r.affected_rows());
    });
  }

  std::unique_ptr<pg::connection> runner;
};

} // namespace mana::testing
