// Push and pull on a real database: who sees what, what is stored once, and that no page loses a row.
#include "tests/postgres/sync_fixture.hpp"

#include "actors/change_puller/cursor.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

struct sync : testing::sync_fixture {};

const std::string event = "6f1c0c1e-2222-4333-8444-555566667777";

// -- push -----------------------------------------------------------------------------------------------

TEST_F(sync, a_batch_is_stored_in_its_order_and_comes_back) {
  auto update = R"({"table":"tasks","id":"t1","op":"update","fields":{"title":{"value":"neu",)"
                R"("updatedAt":"2026-01-01T00:00:00.000Z"}},"actor":{"kind":"user"}})";
  auto gone = R"({"table":"tasks","id":"t1","op":"delete","deletedAt":"2026-01-02T00:00:00.000Z"})";
  auto pushed = push("u1", insert_of("t1", event) + ',' + update + ',' + gone);
  ASSERT_TRUE(pushed) << pushed.error().detail;
  EXPECT_EQ(pushed->stored, 3u);
  EXPECT_EQ(query("SELECT string_agg(op, ' ' ORDER BY created_at, id) FROM sync_changes"), "insert update delete");
  auto rows = json::parse(pushed->page.rows);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->as_array()->size(), 3u);
  auto& first = rows->as_array()->at(0);
  EXPECT_EQ(first.text("eventId"), event);
  EXPECT_EQ(first.text("table"), "tasks");
  EXPECT_EQ(first.text("clientId"), "c1");
  EXPECT_EQ(first.find("schemaVersion")->as_integer(), 1);
  EXPECT_EQ(first.text("createdAt").size(), 27u);
  EXPECT_EQ(first.find("actor"), nullptr);
  EXPECT_EQ(json::to_text(*first.find("data")), R"({"title":"x"})");
  auto& second = rows->as_array()->at(1);
  EXPECT_EQ(json::to_text(*second.find("fields")),
            R"({"title":{"value":"neu","updatedAt":"2026-01-01T00:00:00.000Z"}})");
  EXPECT_EQ(json::to_text(*second.find("actor")), R"({"kind":"user"})");
  auto& third = rows->as_array()->at(2);
  EXPECT_EQ(third.text("deletedAt"), "2026-01-02T00:00:00.000Z");
}

TEST_F(sync, a_bad_change_stores_nothing_of_its_batch) {
  auto pushed = push("u1", insert_of("t1", "") + R"(,{"table":"tasks","id":"t2","op":"merge"})");
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code, errc::bad_request);
  EXPECT_EQ(query("SELECT count(*) FROM sync_changes"), "0");
}

TEST_F(sync, an_event_is_stored_once) {
  EXPECT_EQ(push("u1", insert_of("t1", event))->stored, 1u);
  auto again = push("u1", insert_of("t1", event) + ',' + insert_of("t2", "") + ',' + insert_of("t1", event));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->stored, 1u);
  EXPECT_EQ(again->repeated, 2u);
  EXPECT_THAT(pull_all("u1").seen, UnorderedElementsAre("t1", "t2"));
}

TEST_F(sync, without_an_event_a_repeat_is_a_new_row) {
  store("u1", insert_of("t1", ""));
  store("u1", insert_of("t1", ""));
  EXPECT_THAT(pull_all("u1").seen, UnorderedElementsAre("t1", "t1"));
}

TEST_F(sync, another_users_event_neither_blocks_nor_shows) {
  EXPECT_EQ(push("u1", insert_of("t1", event))->stored, 1u);
  for (int i = 0; i < 2; ++i) {
    auto pushed = push("u2", insert_of("t2", event) + ',' + insert_of("t3", "") + ',' + insert_of("t2", event));
    ASSERT_TRUE(pushed) << pushed.error().detail;
    EXPECT_EQ(pushed->stored, i == 0 ? 2u : 1u) << "the event once, what has none each time";
  }
  auto page = pull("u2");
  EXPECT_THAT(ids(*page), UnorderedElementsAre("t2", "t3", "t3"));
  EXPECT_EQ(texts(*page, "eventId")[0], event) << "as its client named it";
  EXPECT_EQ(push("u1", insert_of("t1", event))->stored, 0u);
  EXPECT_THAT(ids(*pull("u1")), ElementsAre("t1"));
}

TEST_F(sync, an_event_beside_a_taken_uuid_stays_known_when_the_uuid_becomes_free) {
  store("u1", insert_of("t1", event));
  store("u2", insert_of("t2", event));
  query("DELETE FROM sync_changes WHERE user_id = 'u1' RETURNING 1");
  EXPECT_EQ(push("u2", insert_of("t2", event))->stored, 0u);
}

// -- who sees what --------------------------------------------------------------------------------------

TEST_F(sync, a_user_sees_nothing_of_others) {
  store("u1", insert_of("t1", ""));
  EXPECT_THAT(ids(*pull("u2")), IsEmpty());
  EXPECT_THAT(ids(*pull("u1")), ElementsAre("t1"));
}

TEST_F(sync, without_a_user_nothing_is_asked_of_the_database) {
  EXPECT_EQ(push("", insert_of("t1", "")).error().code, errc::unauthorized);
  EXPECT_EQ(pull("").error().code, errc::unauthorized);
  EXPECT_EQ(query("SELECT count(*) FROM sync_changes"), "0");
}

TEST_F(sync, the_login_cannot_reach_rows_without_a_scope) {
  store("u1", insert_of("t1", ""));
  pg::connection db{sync_url()};
  EXPECT_EQ(db.exec("SELECT count(*) FROM public.sync_changes")[0][0].as<int>(), 0);
  EXPECT_THROW(db.exec("UPDATE public.sync_changes SET op = 'delete'"), pqxx::sql_error);
  EXPECT_THROW(db.exec("DELETE FROM public.sync_changes"), pqxx::sql_error);
  EXPECT_THROW(db.exec("SELECT key FROM mana_sync.notice_key"), pqxx::sql_error);
}

// -- pages ----------------------------------------------------------------------------------------------

TEST_F(sync, pages_of_rows_with_one_time_and_transaction_lose_and_repeat_none) {
  {
    writer w{sync_url(), "u1"};
    for (int i = 0; i < 25; ++i)
      w.append("t" + std::to_string(i));
    w.tx.commit();
  }
  auto all = pull_all("u1", "", 4);
  EXPECT_EQ(all.seen.size(), 25u);
  EXPECT_EQ(std::set<std::string>(all.seen.begin(), all.seen.end()).size(), 25u);
  EXPECT_EQ(all.pages, 7u);
  EXPECT_THAT(pull_all("u1", all.synced_until).seen, IsEmpty());
}

TEST_F(sync, rows_of_before_the_migration_come_first) {
  store("u1", insert_of("new", ""));
  writer w{superuser_url(), "u1"};
  pg::connection::exec_in(w.tx, "INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data,"
                                " client_id, transaction_id, created_at) VALUES ('todo', 'tasks', 'old', 'u1',"
                                " 'insert', '{}', 'x', '0', now() + interval '1 hour')");
  w.tx.commit();
  auto page = pull("u1", "", 1);
  EXPECT_THAT(ids(*page), ElementsAre("old"));
  EXPECT_THAT(ids(*pull("u1", page->synced_until)), ElementsAre("new"));
}

TEST_F(sync, a_transaction_that_commits_late_is_not_passed) {
  writer late{runner_url(), "u1"};
  late.append("late");
  store("u1", insert_of("t1", ""));
  auto first = pull_all("u1");
  EXPECT_THAT(first.seen, UnorderedElementsAre("t1"));
  store("u1", insert_of("t2", ""));
  auto second = pull_all("u1", first.synced_until);
  EXPECT_THAT(second.seen, UnorderedElementsAre("t1", "t2")) << "beyond the horizon: they come again";
  late.tx.commit();
  auto third = pull_all("u1", second.synced_until);
  EXPECT_THAT(third.seen, IsSupersetOf({"late"}));
  EXPECT_THAT(pull_all("u1", third.synced_until).seen, IsEmpty());
}

TEST_F(sync, transactions_that_commit_in_any_order_are_all_seen) {
  std::vector<std::unique_ptr<writer>> open;
  for (int i = 0; i < 6; ++i) {
    open.push_back(std::make_unique<writer>(sync_url(), "u1"));
    open.back()->append("t" + std::to_string(i));
  }
  std::set<std::string> seen;
  std::string since;
  auto look = [&] {
    auto walk = pull_all("u1", since, 2);
    seen.insert(walk.seen.begin(), walk.seen.end());
    since = walk.synced_until;
  };
  for (auto i : {3, 5, 0, 4, 1, 2}) {
    open[static_cast<std::size_t>(i)]->tx.commit();
    look();
    EXPECT_TRUE(seen.contains("t" + std::to_string(i))) << "what is visible is delivered at once";
  }
  EXPECT_EQ(seen.size(), 6u);
  EXPECT_THAT(pull_all("u1", since).seen, IsEmpty());
}

TEST_F(sync, more_rows_beyond_an_open_transaction_than_a_page_holds_are_all_delivered) {
  writer late{sync_url(), "u1"};
  late.append("late");
  for (int i = 0; i < 7; ++i)
    store("u1", insert_of("t" + std::to_string(i), ""));
  auto walk = pull_all("u1", "", 3);
  EXPECT_EQ(walk.seen.size(), 7u);
  EXPECT_EQ(walk.pages, 3u);
  late.tx.commit();
  EXPECT_THAT(pull_all("u1", walk.synced_until, 3).seen, IsSupersetOf({"late"}));
}

// A client that stops in the middle of such a sequence and goes on later.
TEST_F(sync, a_sequence_of_pages_that_was_left_loses_nothing) {
  writer late{sync_url(), "u1"};
  late.append("late");
  for (int i = 0; i < 7; ++i)
    store("u1", insert_of("t" + std::to_string(i), ""));
  auto page = pull("u1", "", 3);
  EXPECT_TRUE(page->has_more);
  late.tx.commit();
  auto rest = pull_all("u1", page->synced_until, 3);
  auto last = pull_all("u1", rest.synced_until, 3);
  rest.seen.merge(last.seen);
  EXPECT_TRUE(rest.seen.contains("late"));
}

TEST_F(sync, an_aborted_transaction_leaves_no_trace) {
  {
    writer w{sync_url(), "u1"};
    w.append("never");
  }
  store("u1", insert_of("t1", ""));
  auto walk = pull_all("u1");
  EXPECT_THAT(walk.seen, UnorderedElementsAre("t1"));
  EXPECT_THAT(pull_all("u1", walk.synced_until).seen, IsEmpty());
}

TEST_F(sync, a_page_ends_at_four_megabytes) {
  std::string big(1'500'000, 'x');
  for (auto* id : {"t1", "t2", "t3", "t4", "t5"})
    store("u1", insert_of(id, "", big), pull("u1")->synced_until);
  auto page = pull("u1");
  EXPECT_THAT(ids(*page), ElementsAre("t1", "t2", "t3"));
  EXPECT_TRUE(page->has_more);
  EXPECT_EQ(pull_all("u1").seen.size(), 5u);
}

TEST_F(sync, a_collection_is_one_table) {
  store("u1", insert_of("t1", "") + R"(,{"table":"lists","id":"l1","op":"insert","data":{}})");
  EXPECT_THAT(ids(*pull("u1", "", 500, "lists")), ElementsAre("l1"));
}

TEST_F(sync, other_apps_have_logs_of_their_own) {
  store("u1", insert_of("t1", ""));
  EXPECT_THAT(ids(*ask<change_page>(puller, pull_changes{{"u1"}, "notes", "", "", 500})), IsEmpty());
}

// -- since ----------------------------------------------------------------------------------------------

TEST_F(sync, a_time_is_inclusive) {
  store("u1", insert_of("t1", ""));
  auto time = query("UPDATE sync_changes SET created_at = date_trunc('milliseconds', created_at) - interval '1 hour'"
                    " RETURNING to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
  store("u1", insert_of("t2", ""));
  EXPECT_THAT(ids(*pull("u1", time)), ElementsAre("t1", "t2"));
  auto later = to_iso(*parse_iso(time) + std::chrono::milliseconds{1});
  auto page = pull("u1", later);
  EXPECT_THAT(ids(*page), ElementsAre("t2"));
  EXPECT_THAT(ids(*pull("u1", page->synced_until)), IsEmpty());
}

TEST_F(sync, a_cursor_of_another_app_or_user_is_refused) {
  store("u1", insert_of("t1", ""));
  auto since = pull("u1")->synced_until;
  EXPECT_EQ(pull("u2", since).error().code, errc::bad_request);
  EXPECT_EQ(push("u2", insert_of("t1", ""), since).error().code, errc::bad_request);
  EXPECT_EQ(query("SELECT count(*) FROM sync_changes WHERE user_id = 'u2'"), "0");
}

TEST_F(sync, a_cursor_of_another_cluster_begins_anew) {
  store("u1", insert_of("t1", ""));
  auto elsewhere = parse_cursor(pull("u1")->synced_until);
  elsewhere->era = "00000000";
  elsewhere->floor.transaction += 1'000'000;
  EXPECT_THAT(ids(*pull("u1", to_text(*elsewhere))), ElementsAre("t1"));
}

// -- what other programs write --------------------------------------------------------------------------

TEST_F(sync, rows_of_odd_shapes_do_not_stop_a_pull) {
  {
    writer w{superuser_url(), "u1"};
    w.append("array", "[1]");
    w.append("text", "\"x\"", "update");
    w.append("null", "null", "delete");
    w.append("fields", R"({"a":null,"b":{"c":1}})", "update");
    w.tx.commit();
  }
  query("UPDATE sync_changes SET field_timestamps = '[]' WHERE record_id = 'fields' RETURNING 1");
  query("UPDATE sync_changes SET actor = '\"me\"', created_at = 'infinity' WHERE record_id = 'text' RETURNING 1");
  query("UPDATE sync_changes SET created_at = '-infinity' WHERE record_id = 'null' RETURNING 1");
  auto all = pull_all("u1", "", 1);
  EXPECT_THAT(all.seen, UnorderedElementsAre("array", "text", "null", "fields"));
  auto rows = json::parse(pull("u1")->rows);
  ASSERT_TRUE(rows);
  for (auto& r : *rows->as_array()) {
    if (r.text("id") == "fields") {
      EXPECT_EQ(json::to_text(*r.find("fields")), R"({"a":{"value":null},"b":{"value":{"c":1}}})");
    }
  }
}

} // namespace
} // namespace mana
