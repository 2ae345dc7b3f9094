// Audit rows by month: partitions ahead, those beyond retention, and the chains that go on without them.
#include "actors/maintenance/maintenance_queries.hpp"
#include "actors/user_eraser/user_eraser_actor.hpp"
#include "tests/postgres/audit_fixture.hpp"

namespace mana {
namespace {

using namespace std::chrono_literals;
using testing::one_note;

constexpr auto four_hundred_days = 400 * 24h;

struct audit_retention : testing::audit_fixture {
  // As if the first partition had ended then. `others` are made anew, or left to the default one.
  void end_first_partition(const std::string& when, bool others = true) {
    query("DO $$ DECLARE p text; BEGIN FOR p IN SELECT name FROM mana_ai.audit_partitions() WHERE name NOT IN"
          " ('decrypt_audit_first', 'decrypt_audit_default') LOOP EXECUTE format('DROP TABLE mana_ai.%I', p); END LOOP;"
          " ALTER TABLE mana_ai.decrypt_audit DETACH PARTITION mana_ai.decrypt_audit_first;"
          " EXECUTE format('ALTER TABLE mana_ai.decrypt_audit ATTACH PARTITION mana_ai.decrypt_audit_first"
          " FOR VALUES FROM (MINVALUE) TO (%L)', "
          + when + "); END $$");
    if (others)
      query("SELECT mana_ai.add_audit_partitions()");
  }
  // The first rows of a chain, one note each, written at that time.
  void append_at(const std::string& user, int n, const std::string& when, const std::string& run = random_uuid()) {
    query("DO $$ DECLARE previous bytea := decode(repeat('00', 32), 'hex'); hash bytea; at timestamptz :="
          " date_trunc('milliseconds', "
          + when + "); BEGIN FOR i IN 1.." + std::to_string(n) + " LOOP hash := mana_ai.audit_row_hash('" + user
          + "', i, at, 'm1', NULL, 'notes', 'n' || i, 'ok', NULL, previous); INSERT INTO mana_ai.decrypt_audit"
            " (user_id, mission_id, table_name, record_id, status, ts, run_id, position, previous_hash, row_hash)"
            " VALUES ('"
          + user + "', 'm1', 'notes', 'n' || i, 'ok', at, '" + run
          + "', i, previous, hash); previous := hash; END LOOP; END $$");
  }
  int drop_expired(const std::string& keep = "interval '400 days'") {
    return runner->exec("SELECT mana_ai.drop_expired_audit(" + keep + ")")[0][0].as<int>();
  }
  std::string rows_in(const std::string& partition) { return query("SELECT count(*) FROM mana_ai." + partition); }
};

// -- partitions -------------------------------------------------------------------------------------

TEST_F(audit_retention, there_are_partitions_for_three_months_ahead) {
  EXPECT_EQ(query("SELECT max(until_at) = mana_ai.audit_month(now(), 4) AND count(*) = 5 FROM"
                  " mana_ai.audit_partitions()"),
            "t");
  EXPECT_EQ(runner->exec("SELECT mana_ai.add_audit_partitions()")[0][0].as<int>(), 0);
  EXPECT_EQ(runner->exec("SELECT mana_ai.add_audit_partitions(5)")[0][0].as<int>(), 2);
}

TEST_F(audit_retention, months_begin_in_utc) {
  EXPECT_EQ(query("SELECT bool_and(until_at = date_trunc('month', until_at, 'UTC')) FROM mana_ai.audit_partitions()"),
            "t");
}

TEST_F(audit_retention, missing_months_are_made_up_for) {
  end_first_partition("mana_ai.audit_month(now(), -14)");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.audit_partitions()"), "20");
  append_notes("u1", 2);
  EXPECT_EQ(rows_in("decrypt_audit_default"), "0");
}

TEST_F(audit_retention, rows_of_a_month_that_nobody_made_are_kept_and_get_a_partition) {
  end_first_partition("mana_ai.audit_month(now(), -1)", false);
  append_at("u1", 2, "mana_ai.audit_month(now(), -1)");
  append_notes("u1", 2);
  append_notes("u2", 1);
  EXPECT_EQ(rows_in("decrypt_audit_default"), "5");
  EXPECT_EQ(query("SELECT mana_ai.add_audit_partitions()"), "4");
  EXPECT_EQ(rows_in("decrypt_audit_default"), "0");
  append_notes("u1", 1);
  EXPECT_EQ(rows_in("decrypt_audit_default"), "0");
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 5);
}

TEST_F(audit_retention, every_partition_is_as_closed_as_the_whole) {
  end_first_partition("mana_ai.audit_month(now(), -1)", false);
  append_notes("u1", 1);
  query("SELECT mana_ai.add_audit_partitions(6)");
  EXPECT_EQ(query("SELECT count(*) FROM pg_class c JOIN mana_ai.audit_partitions() p ON c.relname = p.name WHERE NOT"
                  " (c.relrowsecurity AND c.relforcerowsecurity) OR c.relowner <> 'mana_ai_owner'::regrole"),
            "0");
  pg::connection admin{superuser_url()};
  for (const auto& row : admin.exec("SELECT name FROM mana_ai.audit_partitions()")) {
    auto table = "mana_ai." + row[0].as<std::string>();
    for (auto statement : {"SELECT 1 FROM " + table, "DELETE FROM " + table, "TRUNCATE " + table,
                           "UPDATE " + table + " SET status = 'ok'", "DROP TABLE " + table,
                           "INSERT INTO " + table + " SELECT * FROM mana_ai.decrypt_audit"}) {
      auto refused = as_runner("u1", statement);
      ASSERT_FALSE(refused) << statement;
      EXPECT_EQ(refused.error().code, errc::database_refused) << statement;
    }
    for (auto statement : {"DELETE FROM " + table, "TRUNCATE " + table, "UPDATE " + table + " SET status = 'ok'"})
      EXPECT_FALSE(pg::attempt([&] { return admin.exec(statement).size(); })) << statement << " as superuser";
  }
}

TEST_F(audit_retention, the_owner_reads_no_partition_but_while_rows_expire) {
  append_notes("u1", 1);
  auto seen = [&](const std::string& setting) {
    pg::connection db{superuser_url()};
    pqxx::work tx{db.raw()};
    tx.exec("SET LOCAL ROLE mana_ai_owner");
    tx.exec("SELECT set_config('mana_ai.expiring_audit', '" + setting + "', true)");
    return tx.exec("SELECT 1 FROM mana_ai.decrypt_audit_first").size();
  };
  EXPECT_EQ(seen(""), 0u);
  EXPECT_EQ(seen("on"), 1u);
}

// -- writing across partitions ----------------------------------------------------------------------

TEST_F(audit_retention, a_write_that_is_repeated_in_the_next_month_adds_nothing) {
  auto w = one_note("u1");
  append_at("u1", 1, "now() - interval '1 hour'", w.held.token.value);
  end_first_partition("now() - interval '30 minutes'", false);
  EXPECT_EQ(append_all({w}).rows, 0u);
  w.events.push_back({"notes", "n2", decrypt_status::ok, ""});
  EXPECT_EQ(append_all({w}).rows, 1u);
  EXPECT_EQ(rows_in("decrypt_audit_default"), "1");
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 2);
}

TEST_F(audit_retention, a_chain_that_rested_for_a_year_goes_on) {
  append_at("u1", 3, "now() - interval '1 year'");
  end_first_partition("mana_ai.audit_month(now(), -11)");
  append_notes("u1", 1);
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 4);
}

// -- retention --------------------------------------------------------------------------------------

TEST_F(audit_retention, nothing_younger_than_thirty_days_can_be_dropped) {
  for (auto keep : {"interval '29 days'", "interval '-1 day'", "NULL"}) {
    auto refused = pg::attempt([&] { return drop_expired(keep); });
    ASSERT_FALSE(refused) << keep;
    EXPECT_EQ(refused.error().code, errc::database_refused);
  }
}

TEST_F(audit_retention, only_what_is_wholly_older_is_dropped) {
  append_at("u1", 2, "now() - interval '500 days'");
  end_first_partition("now() - interval '399 days'", false);
  EXPECT_EQ(drop_expired(), 0);
  EXPECT_EQ(verify("u1").rows, 2);
  EXPECT_EQ(drop_expired("interval '398 days'"), 1);
  EXPECT_TRUE(page("u1").rows.empty());
}

// Three rows of each user 500 days ago, and two of today.
struct expired_audit : audit_retention {
  void SetUp() override {
    audit_retention::SetUp();
    append_at("u1", 3, "now() - interval '500 days'");
    append_at("u2", 1, "now() - interval '500 days'");
    append_at("gone", 3, "now() - interval '500 days'");
    end_first_partition("mana_ai.audit_month(now(), -15)");
    append_notes("u1", 2);
    keep = "interval '" + query("SELECT now() - mana_ai.audit_month(now(), -14)") + "'";
    EXPECT_EQ(drop_expired(keep), 2);
  }
  std::string problem_after(const std::string& sql) {
    query("ALTER TABLE mana_ai.decrypt_audit DISABLE TRIGGER ALL");
    query(sql);
    auto v = verify("u1");
    return v.first_bad ? v.first_bad->problem : std::string{};
  }
  std::string keep; // the last 14 months
};

TEST_F(expired_audit, is_gone_and_the_chain_is_good_from_its_anchor_on) {
  EXPECT_EQ(page("u1").rows.size(), 2u);
  for (std::size_t chunk : {1, 2, 3}) {
    auto v = verify("u1", chunk);
    EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
    EXPECT_EQ(v.rows, 2);
    EXPECT_EQ(v.anchor->position, 3);
    EXPECT_EQ(v.head_position, 5);
  }
}

TEST_F(expired_audit, leaves_a_chain_that_goes_on) {
  auto head = read_audit_head(*runner, {"u2"});
  EXPECT_EQ(head.position, 1);
  EXPECT_EQ(head.hash, verify("u2").head_hash);
  append_notes("u2", 2);
  auto v = verify("u2");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.rows, 2);
  EXPECT_EQ(v.head_position, 3);
}

TEST_F(expired_audit, leaves_an_anchor_that_moves_on) {
  EXPECT_EQ(drop_expired(keep), 0);
  auto anchors = "SELECT string_agg(user_id || ' ' || position, ', ' ORDER BY user_id) FROM mana_ai.audit_anchors";
  EXPECT_EQ(query(anchors), "gone 3, u1 3, u2 1");
  // As if this month had ended two months ago.
  auto month = "mana_ai.decrypt_audit_" + query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')");
  query("DO $$ DECLARE p text; BEGIN FOR p IN SELECT name FROM mana_ai.audit_partitions() WHERE 'mana_ai.' || name <> '"
        + month + "' AND name <> 'decrypt_audit_default' LOOP EXECUTE format('DROP TABLE mana_ai.%I', p); END LOOP;"
        + " ALTER TABLE mana_ai.decrypt_audit DETACH PARTITION " + month + "; ALTER TABLE " + month
        + " DISABLE TRIGGER ALL; UPDATE " + month + " SET ts = ts - interval '90 days';"
        + " EXECUTE format('ALTER TABLE mana_ai.decrypt_audit ATTACH PARTITION " + month
        + " FOR VALUES FROM (MINVALUE) TO (%L)', now() - interval '60 days'); END $$");
  EXPECT_EQ(drop_expired("interval '50 days'"), 1);
  EXPECT_EQ(query(anchors), "gone 3, u1 5, u2 1");
  append_notes("u1", 1);
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_EQ(v.head_position, 6);
}

TEST_F(expired_audit, leaves_anchors_that_only_their_user_sees_and_nobody_writes) {
  EXPECT_EQ(*as_runner("u1", "SELECT 1 FROM mana_ai.audit_anchors"), 1u);
  EXPECT_EQ(*as_runner("", "SELECT 1 FROM mana_ai.audit_anchors"), 0u);
  for (auto statement : {"UPDATE mana_ai.audit_anchors SET position = 1", "DELETE FROM mana_ai.audit_anchors",
                         "INSERT INTO mana_ai.audit_anchors VALUES ('u1', 1, sha256(''), now())"})
    EXPECT_EQ(as_runner("u1", statement).error().code, errc::database_refused) << statement;
}

TEST_F(expired_audit, goes_with_the_account) {
  erase_rows_of(*runner, {"u1"});
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.audit_anchors WHERE user_id = 'u1'"), "0");
  append_notes("u1", 1);
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
  EXPECT_FALSE(v.anchor);
}

TEST_F(expired_audit, shows_when_its_anchor_was_changed) {
  EXPECT_NE(problem_after("UPDATE mana_ai.audit_anchors SET row_hash = sha256('x')").find("does not continue"),
            std::string::npos);
}

TEST_F(expired_audit, shows_when_its_anchor_was_removed) {
  EXPECT_EQ(problem_after("DELETE FROM mana_ai.audit_anchors"), "the row at position 1 is missing before it");
}

TEST_F(expired_audit, shows_when_its_anchor_was_moved_over_rows_that_are_there) {
  EXPECT_NE(problem_after("UPDATE mana_ai.audit_anchors k SET position = 4, row_hash = a.row_hash FROM"
                          " mana_ai.decrypt_audit a WHERE a.user_id = 'u1' AND a.position = 4 AND k.user_id = 'u1'")
                .find("before the anchor"),
            std::string::npos);
}

TEST_F(expired_audit, shows_when_the_first_row_that_is_left_was_removed) {
  EXPECT_EQ(problem_after("DELETE FROM mana_ai.decrypt_audit WHERE user_id = 'u1' AND position = 4"),
            "the row at position 4 is missing before it");
}

// -- maintenance ------------------------------------------------------------------------------------

TEST_F(audit_retention, maintenance_makes_and_drops_partitions) {
  append_at("u1", 3, "now() - interval '500 days'");
  end_first_partition("mana_ai.audit_month(now(), -15)", false);
  auto did = maintain_tables(*runner, four_hundred_days);
  EXPECT_FALSE(did.elsewhere);
  EXPECT_EQ(did.partitions_made, 19);
  EXPECT_EQ(std::to_string(did.partitions_dropped),
            query("SELECT 1 + count(*) FROM generate_series(-14, 0) m WHERE mana_ai.audit_month(now(), m) <= now() -"
                  " interval '400 days'"));
  EXPECT_FALSE(verify("u1").first_bad);
  auto again = maintain_tables(*runner, four_hundred_days);
  EXPECT_EQ(again.partitions_made + again.partitions_dropped, 0);
}

TEST_F(audit_retention, maintenance_is_one_replicas_at_a_time) {
  pg::connection other{runner_url()};
  pqxx::work busy{other.raw()};
  busy.exec("SELECT pg_advisory_xact_lock(hashtextextended('mana_ai.maintenance', 0))");
  EXPECT_TRUE(maintain_tables(*runner, four_hundred_days).elsewhere);
  busy.commit();
  EXPECT_FALSE(maintain_tables(*runner, four_hundred_days).elsewhere);
}

} // namespace
} // namespace mana
