// Appending to the chains, with the service's own login.
#include "tests/postgres/audit_fixture.hpp"

#include <random>
#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;
using testing::one_note;

struct audit_append : testing::audit_fixture {
  std::string lock_key(const std::string& user) { return "mana_ai.audit_lock_key('" + user + "')"; }
};

TEST_F(audit_append, rows_hold_what_was_reported) {
  auto w = one_note("u1");
  w.events.push_back({"tasks", "t1", decrypt_status::failed, "ciphertext-malformed"});
  w.events.push_back({"notes", "n9", decrypt_status::scope_violation, "record-not-in-grant-allowlist"});
  auto appended = append_all({w});
  EXPECT_EQ(appended.rows, 3u);
  EXPECT_TRUE(appended.busy.empty());
  auto rows = page("u1").rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].record, "n9");
  EXPECT_EQ(rows[0].status, "scope-violation");
  EXPECT_EQ(rows[1].status, "failed");
  EXPECT_EQ(rows[1].reason, "ciphertext-malformed");
  auto& first = rows[2];
  EXPECT_EQ(first.mission.value, "m1");
  EXPECT_EQ(first.iteration_id, w.iteration_id);
  EXPECT_EQ(first.run_id, w.held.token.value);
  EXPECT_EQ(first.reason, std::nullopt);
  EXPECT_EQ(first.position, 1);
  EXPECT_EQ(first.previous_hash, std::string(64, '0'));
  EXPECT_EQ(*first.at_us % 1000, 0);
  EXPECT_FALSE(verify("u1").first_bad);
}

TEST_F(audit_append, the_database_and_the_check_compute_the_same_hash) {
  auto w = one_note("Zoë \"{,}\\ ' \t 漢字", "n'\"{}");
  w.iteration_id.clear();
  append_all({w});
  auto v = verify(w.held.key.user.value);
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 1);
}

TEST_F(audit_append, a_repeated_write_adds_nothing) {
  auto w = one_note("u1");
  w.events.push_back({"notes", "n2", decrypt_status::ok, ""});
  auto first_half = w;
  first_half.events.pop_back();
  EXPECT_EQ(append_all({first_half}).rows, 1u);
  EXPECT_EQ(append_all({w}).rows, 1u);
  EXPECT_EQ(append_all({w, w}).rows, 0u);
  // Another run of the same slot counts anew.
  w.held.token.value = random_uuid();
  EXPECT_EQ(append_all({w, w}).rows, 2u);
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 4);
}

TEST_F(audit_append, a_thousand_users_share_one_commit) {
  std::vector<write_audit> writes;
  for (int i = 0; i < 2'000; ++i)
    writes.push_back(one_note("u" + std::to_string(i % 1'000)));
  EXPECT_EQ(append_all(std::move(writes)).rows, 2'000u);
  EXPECT_EQ(query("SELECT count(DISTINCT xmin::text) FROM mana_ai.decrypt_audit"), "1");
  EXPECT_EQ(verify("u0").rows, 2);
  EXPECT_EQ(verify("u999").rows, 2);
}

TEST_F(audit_append, writers_in_parallel_leave_whole_chains) {
  constexpr int threads = 4;
  constexpr int users = 5;
  constexpr int batches = 25;
  std::vector<std::thread> writers;
  std::vector<std::string> problems(threads);
  for (int t = 0; t < threads; ++t)
    writers.emplace_back([this, t, &problems] {
      auto ended = pg::attempt([&] {
        pg::connection db{runner_url()};
        std::mt19937 random{static_cast<unsigned>(t)};
        for (int b = 0; b < batches; ++b) {
          std::vector<write_audit> left;
          for (int i = 0; i < 6; ++i)
            left.push_back(one_note("u" + std::to_string(random() % users)));
          while (!left.empty()) {
            auto appended = append_audit(db, requests(left), 1min);
            std::erase_if(left, [&](auto& w) {
              return std::find(appended.busy.begin(), appended.busy.end(), w.held.key.user) == appended.busy.end();
            });
          }
        }
        return true;
      });
      if (!ended)
        problems[static_cast<std::size_t>(t)] = ended.error().detail;
    });
  for (auto& w : writers)
    w.join();
  EXPECT_EQ(problems, std::vector<std::string>(threads));
  std::int64_t rows = 0;
  for (int u = 0; u < users; ++u) {
    auto v = verify("u" + std::to_string(u), 1'000);
    EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
    rows += v.rows;
  }
  EXPECT_EQ(rows, threads * batches * 6);
}

TEST_F(audit_append, a_busy_user_does_not_delay_the_others) {
  pg::connection other{runner_url()};
  pqxx::work held{other.raw()};
  held.exec("SELECT pg_advisory_xact_lock(" + lock_key("busy") + ")");
  auto appended = append_all({one_note("a"), one_note("busy"), one_note("busy"), one_note("z")});
  EXPECT_EQ(appended.rows, 2u);
  EXPECT_EQ(appended.busy, (std::vector<user_id>{{"busy"}}));
  EXPECT_EQ(verify("a").rows, 1);
  EXPECT_EQ(verify("z").rows, 1);
  EXPECT_EQ(verify("busy").rows, 0);
  held.commit();
  EXPECT_TRUE(append_all({one_note("busy")}).busy.empty());
}

TEST_F(audit_append, a_chain_goes_on_after_rows_that_committed_while_the_lock_was_held) {
  append_notes("u1", 1);
  pg::connection other{runner_url()};
  // The function's statement begins before the other row is committed, and reads the head after.
  pqxx::work held{other.raw()};
  auto w = testing::one_note("u1");
  pg::connection::exec_in(held,
                          "SELECT * FROM mana_ai.append_audit(ARRAY['u1'], ARRAY['m1'], ARRAY[$1::uuid],"
                          " ARRAY[NULL]::text[], ARRAY['notes'], ARRAY['n'], ARRAY['ok'], ARRAY[NULL]::text[], 1000)",
                          w.held.token.value);
  EXPECT_EQ(append_all({one_note("u1")}).busy.size(), 1u);
  held.commit();
  EXPECT_EQ(append_all({one_note("u1")}).rows, 1u);
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 3);
}

TEST_F(audit_append, times_never_go_backwards) {
  append_notes("u1", 1);
  // As after a step of the server's clock.
  query("ALTER TABLE mana_ai.decrypt_audit DISABLE TRIGGER ALL");
  query("UPDATE mana_ai.decrypt_audit SET ts = '2099-01-01T00:00:00.5Z'");
  append_notes("u1", 1);
  EXPECT_EQ(query("SELECT min(ts) = max(ts) AND count(*) = 2 FROM mana_ai.decrypt_audit"), "t");
}

TEST_F(audit_append, the_commit_is_synchronous_whatever_the_role_says) {
  query("ALTER ROLE mana_ai_runner IN DATABASE " + query("SELECT current_database()")
        + " SET synchronous_commit = off");
  pg::connection lazy{direct_runner_url()};
  EXPECT_EQ(lazy.exec("SHOW synchronous_commit")[0][0].as<std::string>(), "off");
  pqxx::work tx{lazy.raw()};
  tx.exec("SELECT * FROM mana_ai.append_audit(ARRAY['u1'], ARRAY['m1'], ARRAY[gen_random_uuid()], ARRAY[NULL]::text[],"
          " ARRAY['notes'], ARRAY['n'], ARRAY['ok'], ARRAY[NULL]::text[], 1000)");
  EXPECT_EQ(tx.exec("SHOW synchronous_commit")[0][0].as<std::string>(), "on");
}

TEST_F(audit_append, a_snapshot_taken_before_the_lock_is_refused) {
  auto refused = pg::attempt([&] {
    pqxx::transaction<pqxx::isolation_level::repeatable_read> tx{runner->raw()};
    return tx
        .exec("SELECT * FROM mana_ai.append_audit(ARRAY['u1'], ARRAY['m1'], ARRAY[gen_random_uuid()],"
              " ARRAY[NULL]::text[], ARRAY['notes'], ARRAY['n'], ARRAY['ok'], ARRAY[NULL]::text[], 1000)")
        .size();
  });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("READ COMMITTED"), std::string::npos);
}

TEST_F(audit_append, a_lock_on_the_table_is_waited_for_no_longer_than_the_limit) {
  pg::connection other{superuser_url()};
  pqxx::work held{other.raw()};
  held.exec("LOCK TABLE mana_ai.decrypt_audit");
  auto refused = pg::attempt([&] { return append_all({one_note("u1")}, 50ms).rows; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::database_timeout);
}

TEST_F(audit_append, what_the_table_does_not_allow_is_refused) {
  auto unknown_reason = one_note("u1");
  unknown_reason.events[0] = {"notes", "n", decrypt_status::failed, "because"};
  auto no_reason = one_note("u1");
  no_reason.events[0] = {"notes", "n", decrypt_status::failed, ""};
  auto ok_with_reason = one_note("u1");
  ok_with_reason.events[0].reason = "decrypt-failed";
  auto long_record = one_note("u1", std::string(513, 'x'));
  auto no_user = one_note("");
  auto no_token = one_note("u1");
  no_token.held.token.value = "not-a-uuid";
  for (auto& w : {unknown_reason, no_reason, ok_with_reason, long_record, no_user, no_token}) {
    auto refused = pg::attempt([&] { return append_all({w}).rows; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::database_refused);
  }
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.decrypt_audit"), "0");
}

} // namespace
} // namespace mana
