// Who can see, change and remove audit rows, and what a check says about those who did.
#include "tests/postgres/audit_fixture.hpp"

namespace mana {
namespace {

struct audit_isolation : testing::audit_fixture {
  void SetUp() override {
    audit_fixture::SetUp();
    append_notes("u1", 3);
    append_notes("u2", 3);
  }
  // The error of a statement that is refused; empty when it is not.
  std::string refusal_of(const std::string& sql, const std::string& role) {
    auto ended = pg::attempt([&] {
      pg::connection db{superuser_url()};
      pqxx::work tx{db.raw()};
      if (!role.empty())
        tx.exec("SET LOCAL ROLE " + role);
      tx.exec("SELECT set_config('app.current_user_id', 'u1', true)");
      tx.exec(sql);
      return true;
    });
    return ended ? std::string{} : ended.error().detail;
  }
};

TEST_F(audit_isolation, the_table_belongs_to_a_role_that_does_not_log_in) {
  EXPECT_EQ(
      query("SELECT r.rolname || ' ' || r.rolcanlogin || ' ' || r.rolbypassrls || ' ' || r.rolsuper FROM pg_class c"
            " JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = 'mana_ai.decrypt_audit'::regclass"),
      "mana_ai_owner false false false");
  EXPECT_EQ(query("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid ="
                  " 'mana_ai.decrypt_audit'::regclass"),
            "t");
}

TEST_F(audit_isolation, the_runner_may_read_and_append_and_nothing_else) {
  EXPECT_EQ(query("SELECT string_agg(privilege_type, ',' ORDER BY privilege_type) FROM"
                  " information_schema.role_table_grants WHERE table_name = 'decrypt_audit' AND grantee <>"
                  " 'mana_ai_owner'"),
            "INSERT,SELECT");
  for (auto sql :
       {"UPDATE mana_ai.decrypt_audit SET status = 'ok'", "DELETE FROM mana_ai.decrypt_audit",
        "TRUNCATE mana_ai.decrypt_audit", "ALTER TABLE mana_ai.decrypt_audit DISABLE TRIGGER ALL",
        "ALTER TABLE mana_ai.decrypt_audit NO FORCE ROW LEVEL SECURITY", "DROP TABLE mana_ai.decrypt_audit",
        "SELECT setval('mana_ai.decrypt_audit_id_seq', 1)", "SET session_replication_role = replica",
        "COPY mana_ai.decrypt_audit TO PROGRAM 'cat'",
        "INSERT INTO mana_ai.decrypt_audit SELECT * FROM mana_ai.decrypt_audit ON CONFLICT (user_id, position)"
        " DO UPDATE SET status = 'failed'"}) {
    auto refused = as_runner("u1", sql);
    ASSERT_FALSE(refused) << sql;
    EXPECT_EQ(refused.error().code, errc::database_refused) << sql;
  }
}

TEST_F(audit_isolation, changes_are_refused_to_owner_and_superuser_too) {
  for (auto role : {"mana_ai_owner", ""})
    for (auto sql : {"UPDATE mana_ai.decrypt_audit SET status = 'ok'", "DELETE FROM mana_ai.decrypt_audit",
                     "DELETE FROM mana_ai.decrypt_audit WHERE user_id = 'nobody'", "TRUNCATE mana_ai.decrypt_audit"})
      EXPECT_NE(refusal_of(sql, role).find("mana_ai.decrypt_audit is append-only"), std::string::npos)
          << sql << " as " << role;
  EXPECT_NE(refusal_of("SET LOCAL session_replication_role = replica; DELETE FROM mana_ai.decrypt_audit", "")
                .find("append-only"),
            std::string::npos);
}

TEST_F(audit_isolation, the_setting_alone_lets_nobody_delete) {
  std::string setting = "SELECT set_config('mana_ai.erasing_user', 'u1', true); ";
  EXPECT_NE(refusal_of(setting + "DELETE FROM mana_ai.decrypt_audit WHERE user_id = 'u1'", "").find("append-only"),
            std::string::npos);
  auto runner_too = as_runner("u1", "SELECT set_config('mana_ai.erasing_user', 'u1', true)");
  EXPECT_TRUE(runner_too);
  EXPECT_FALSE(as_runner("u1", "DELETE FROM mana_ai.decrypt_audit"));
  // The owner, with the setting of one user and the scope of another.
  EXPECT_NE(refusal_of("SELECT set_config('mana_ai.erasing_user', 'u2', true); DELETE FROM mana_ai.decrypt_audit",
                       "mana_ai_owner")
                .find("append-only"),
            std::string::npos);
}

TEST_F(audit_isolation, no_statement_shows_another_users_rows) {
  for (auto sql :
       {"SELECT 1 FROM mana_ai.decrypt_audit WHERE user_id = 'u2'",
        "SELECT 1 FROM mana_ai.decrypt_audit WHERE user_id <> current_setting('app.current_user_id')",
        "SELECT 1 FROM mana_ai.decrypt_audit a WHERE a.user_id LIKE 'u2%' OR a.position < 0",
        "SELECT 1 FROM (SELECT set_config('app.current_user_id', 'u2', true) OFFSET 0) x, mana_ai.decrypt_audit a WHERE"
        " a.user_id = 'u2' AND false",
        "TABLE mana_ai.decrypt_audit EXCEPT SELECT * FROM mana_ai.decrypt_audit WHERE user_id = 'u1'"}) {
    auto rows = as_runner("u1", sql);
    ASSERT_TRUE(rows) << sql << rows.error().detail;
    EXPECT_EQ(*rows, 0u) << sql;
  }
  for (auto user : {"", "nobody", "u%", "u2'--", "*"}) {
    auto rows = as_runner(user, "SELECT 1 FROM mana_ai.decrypt_audit");
    ASSERT_TRUE(rows);
    EXPECT_EQ(*rows, 0u) << user;
  }
  EXPECT_EQ(*as_runner("u1", "SELECT 1 FROM mana_ai.decrypt_audit"), 3u);
}

TEST_F(audit_isolation, no_row_is_written_for_another_user) {
  auto refused =
      as_runner("u1", "INSERT INTO mana_ai.decrypt_audit (user_id, mission_id, table_name, record_id, status,"
                      " ts, run_id, position, previous_hash, row_hash) VALUES ('u2', 'm', 't', 'r', 'ok',"
                      " now(), gen_random_uuid(), 4, sha256(''), sha256(''))");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("row-level security"), std::string::npos);
  EXPECT_EQ(verify("u2").rows, 3);
}

TEST_F(audit_isolation, the_reader_shows_only_the_user_it_was_asked_for) {
  for (auto& row : page("u1").rows)
    EXPECT_EQ(row.user.value, "u1");
  EXPECT_EQ(page("u1").rows.size(), 3u);
  EXPECT_TRUE(page("").rows.empty());
  list_audit l;
  l.user = {"u1"};
  l.mission = mission_id{"m1' OR '1'='1"};
  EXPECT_TRUE(list_audit_rows(*runner, l).rows.empty());
}

TEST_F(audit_isolation, other_logins_reach_neither_the_rows_nor_the_functions) {
  pg::connection sync{sync_url()};
  for (auto sql : {"SELECT 1 FROM mana_ai.decrypt_audit", "SELECT * FROM mana_ai.erase_user('u1')",
                   "SELECT mana_ai.audit_lock_key('u1')"}) {
    auto refused = pg::attempt([&] { return sync.exec(sql).size(); });
    ASSERT_FALSE(refused) << sql;
    EXPECT_EQ(refused.error().code, errc::database_refused);
  }
}

// -- tampering --------------------------------------------------------------------------------------

// Somebody with all power over the database; chains of six rows.
struct audit_tampering : testing::audit_fixture {
  void SetUp() override {
    audit_fixture::SetUp();
    append_notes("u1", 6);
    query("ALTER TABLE mana_ai.decrypt_audit DISABLE TRIGGER ALL");
  }
  // The position that is named, and 0 when the chain is found good.
  std::int64_t first_bad_after(const std::string& sql) {
    pg::connection db{superuser_url()};
    pqxx::work tx{db.raw()};
    tx.exec(sql);
    tx.commit();
    auto v = verify("u1");
    return v.first_bad ? v.first_bad->position : 0;
  }
};

TEST_F(audit_tampering, an_untouched_chain_is_good) {
  EXPECT_EQ(first_bad_after("SELECT 1"), 0);
  EXPECT_EQ(verify("u1").rows, 6);
  EXPECT_EQ(verify("u1", 6).rows, 6);
  EXPECT_EQ(verify("u1", 1).head_hash, read_audit_head(*runner, {"u1"}).hash);
}

struct changed_column : audit_tampering, ::testing::WithParamInterface<const char*> {};

TEST_P(changed_column, names_the_row) {
  EXPECT_EQ(first_bad_after(std::string{"UPDATE mana_ai.decrypt_audit SET "} + GetParam() + " WHERE position = 4"), 4);
}
INSTANTIATE_TEST_SUITE_P(audit_tampering, changed_column,
                         ::testing::Values("mission_id = 'm2'", "iteration_id = NULL", "iteration_id = 'x'",
                                           "table_name = 'tasks'", "record_id = 'n5'",
                                           "status = 'failed', reason = 'decrypt-failed'",
                                           "ts = ts + interval '1 millisecond'", "ts = ts + interval '1 microsecond'",
                                           "ts = 'infinity'", "ts = '-infinity'", "ts = ts - interval '4052 years'",
                                           "previous_hash = sha256('x')", "row_hash = sha256('x')"));

TEST_F(audit_tampering, a_deleted_row_is_missed) {
  EXPECT_EQ(first_bad_after("DELETE FROM mana_ai.decrypt_audit WHERE position = 3"), 4);
  EXPECT_EQ(verify("u1").first_bad->problem, "the row at position 3 is missing before it");
}

TEST_F(audit_tampering, a_deleted_first_row_is_missed) {
  EXPECT_EQ(first_bad_after("DELETE FROM mana_ai.decrypt_audit WHERE position = 1"), 2);
}

TEST_F(audit_tampering, a_closed_gap_is_noticed) {
  EXPECT_EQ(first_bad_after("DELETE FROM mana_ai.decrypt_audit WHERE position = 3;"
                            "UPDATE mana_ai.decrypt_audit SET position = position + 100 WHERE position > 3;"
                            "UPDATE mana_ai.decrypt_audit SET position = position - 101 WHERE position > 100"),
            3);
}

TEST_F(audit_tampering, swapped_rows_are_noticed) {
  EXPECT_EQ(first_bad_after("UPDATE mana_ai.decrypt_audit SET position = 100 WHERE position = 2;"
                            "UPDATE mana_ai.decrypt_audit SET position = 2 WHERE position = 5;"
                            "UPDATE mana_ai.decrypt_audit SET position = 5 WHERE position = 100"),
            2);
}

TEST_F(audit_tampering, an_inserted_row_is_noticed) {
  EXPECT_EQ(
      first_bad_after(
          "UPDATE mana_ai.decrypt_audit SET position = position + 100 WHERE position > 3;"
          "INSERT INTO mana_ai.decrypt_audit SELECT nextval('mana_ai.decrypt_audit_id_seq'), user_id, mission_id,"
          " iteration_id, table_name, 'forged', status, reason, ts, gen_random_uuid(), 4, row_hash,"
          " mana_ai.audit_row_hash(user_id, 4, ts, mission_id, iteration_id, table_name, 'forged', status, reason,"
          " row_hash) FROM mana_ai.decrypt_audit WHERE position = 3;"
          "UPDATE mana_ai.decrypt_audit SET position = position - 99 WHERE position > 100"),
      5); // the forged one is whole; what follows does not continue it
}

TEST_F(audit_tampering, a_row_that_was_rehashed_does_not_fit_what_follows) {
  EXPECT_EQ(first_bad_after("UPDATE mana_ai.decrypt_audit SET record_id = 'other', row_hash = mana_ai.audit_row_hash("
                            "user_id, position, ts, mission_id, iteration_id, table_name, 'other', status, reason,"
                            " previous_hash) WHERE position = 2"),
            3);
}

TEST_F(audit_tampering, a_row_of_another_user_does_not_fit) {
  append_notes("u2", 6);
  EXPECT_EQ(first_bad_after("DELETE FROM mana_ai.decrypt_audit WHERE user_id = 'u1' AND position = 2;"
                            "UPDATE mana_ai.decrypt_audit SET user_id = 'u1' WHERE user_id = 'u2' AND position = 2"),
            2);
}

TEST_F(audit_tampering, a_cut_end_shows_against_a_head_that_was_kept) {
  auto kept = read_audit_head(*runner, {"u1"});
  EXPECT_EQ(first_bad_after("DELETE FROM mana_ai.decrypt_audit WHERE position = 6"), 0);
  EXPECT_LT(verify("u1").head_position, kept.position);
}

} // namespace
} // namespace mana
