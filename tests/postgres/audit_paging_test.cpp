// Reading audit rows page by page.
#include "tests/postgres/audit_fixture.hpp"

namespace mana {
namespace {

using positions = std::vector<std::int64_t>;
using testing::one_note;

struct audit_paging : testing::audit_fixture {
  // Seven rows of two missions: 1 3 5 7 are of m1, 2 4 6 of m2.
  void SetUp() override {
    audit_fixture::SetUp();
    for (int i = 1; i <= 7; ++i)
      append_one(i % 2 == 1 ? "m1" : "m2");
    append_notes("other", 4);
  }
  void append_one(const std::string& mission) {
    auto w = one_note("u1");
    w.held.key.mission = {mission};
    append_all({w});
  }
  std::vector<positions> pages(std::optional<mission_id> mission, std::size_t limit) {
    list_audit l;
    l.user = {"u1"};
    l.mission = std::move(mission);
    l.limit = limit;
    std::vector<positions> out;
    do {
      auto page = list_audit_rows(*runner, l);
      auto& shown = out.emplace_back();
      for (auto& row : page.rows)
        shown.push_back(row.position);
      l.before = page.next_before;
    } while (l.before);
    return out;
  }
};

TEST_F(audit_paging, pages_are_newest_first_without_gap_or_repetition) {
  EXPECT_EQ(pages({}, 3), (std::vector<positions>{{7, 6, 5}, {4, 3, 2}, {1}}));
  EXPECT_EQ(pages({}, 7), (std::vector<positions>{{7, 6, 5, 4, 3, 2, 1}}));
  EXPECT_EQ(pages({}, 1000), (std::vector<positions>{{7, 6, 5, 4, 3, 2, 1}}));
}

TEST_F(audit_paging, a_mission_has_pages_of_its_own) {
  EXPECT_EQ(pages(mission_id{"m1"}, 3), (std::vector<positions>{{7, 5, 3}, {1}}));
  EXPECT_EQ(pages(mission_id{"m2"}, 3), (std::vector<positions>{{6, 4, 2}}));
  EXPECT_EQ(pages(mission_id{"m3"}, 3), (std::vector<positions>{{}}));
}

TEST_F(audit_paging, rows_of_one_instant_stay_in_order) {
  query("ALTER TABLE mana_ai.decrypt_audit DISABLE TRIGGER ALL");
  query("UPDATE mana_ai.decrypt_audit SET ts = '2026-03-01T08:00:00Z'");
  EXPECT_EQ(pages(mission_id{"m1"}, 1), (std::vector<positions>{{7}, {5}, {3}, {1}}));
}

TEST_F(audit_paging, rows_that_arrive_meanwhile_move_no_page) {
  list_audit l;
  l.user = {"u1"};
  l.limit = 4;
  l.before = list_audit_rows(*runner, l).next_before;
  append_one("m1");
  auto rows = list_audit_rows(*runner, l).rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].position, 3);
}

TEST_F(audit_paging, the_head_is_the_newest_row_and_zeros_without_one) {
  auto head = read_audit_head(*runner, {"u1"});
  EXPECT_EQ(head.position, 7);
  EXPECT_EQ(head.hash, page("u1", 1).rows[0].hash);
  auto none = read_audit_head(*runner, {"nobody"});
  EXPECT_EQ(none.position, 0);
  EXPECT_EQ(none.hash, std::string(64, '0'));
}

// On a history that is worth an index.
TEST_F(audit_paging, a_page_in_the_middle_reads_no_more_than_it_shows) {
  query("INSERT INTO mana_ai.decrypt_audit (user_id, mission_id, table_name, record_id, status, ts, run_id, position,"
        " previous_hash, row_hash) SELECT 'u1', 'm' || i % 10, 'notes', 'n', 'ok', now() + i * interval '1 ms',"
        " gen_random_uuid(), i, sha256(''), sha256('') FROM generate_series(8, 20000) i");
  query("ANALYZE mana_ai.decrypt_audit");
  for (std::string where : {"", " AND mission_id = 'm1' AND ts <= (SELECT b.ts FROM mana_ai.decrypt_audit b WHERE"
                                " b.user_id = 'u1' AND b.position = 10000)"}) {
    pqxx::work tx{runner->raw()};
    tx.exec("SELECT set_config('app.current_user_id', 'u1', true)");
    auto plan = tx.exec("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM mana_ai.decrypt_audit WHERE user_id ="
                        " 'u1' AND position < 10000"
                        + where + " ORDER BY " + (where.empty() ? "" : "ts DESC, ") + "position DESC LIMIT 201");
    auto parsed = json::parse(plan[0][0].c_str());
    ASSERT_TRUE(parsed);
    auto& root = *parsed->as_array()->front().find("Plan");
    EXPECT_LT(root.find("Shared Hit Blocks")->as_integer().value_or(0)
                  + root.find("Shared Read Blocks")->as_integer().value_or(0),
              450)
        << plan[0][0].c_str();
  }
}

} // namespace
} // namespace mana
