// The record_reader on a real change log: records with what they point to, under their user's scope.
#include "actors/change_log/change_rows.hpp"
#include "actors/database/database_actor.hpp"
#include "actors/record_reader/record_reader_actor.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<record_link> links{{"events", "timeBlockId", "timeblocks", "timeBlocks"}};

struct reading : testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    append_to("calendar", "events", "u1", "e1", "insert", R"({"title":"Zahnarzt","timeBlockId":"t1"})");
    append_to("timeblocks", "timeBlocks", "u1", "t1", "insert", R"({"startDate":"2026-03-01T09:00:00.000Z"})");
    append_to("timeblocks", "timeBlocks", "u1", "t2", "insert", R"({"startDate":"2026-03-02T09:00:00.000Z"})");
  }
  records_read read(read_records what) {
    caf::actor_system_config cfg;
    cfg.set("scheduler.max-threads", std::size_t{2});
    caf::actor_system sys{cfg};
    auto database = sys.spawn<mana::database>(database_config{runner_url(), 1, 100},
                                              database_observer{[](auto...) {}, [](auto) {}});
    auto reader = sys.spawn<record_reader>(database);
    records_read out;
    {
      caf::scoped_actor self{sys};
      self->request(reader, caf::infinite, std::move(what))
          .receive([&](records_read& r) { out = std::move(r); },
                   [](const caf::error& e) { ADD_FAILURE() << to_failure(e).detail; });
      for (auto& a : {caf::actor_cast<caf::actor>(reader), caf::actor_cast<caf::actor>(database)}) {
        self->send_exit(a, caf::exit_reason::user_shutdown);
        self->wait_for(a);
      }
    }
    return out;
  }
  // When the event begins, as the reader's answer says.
  std::string begin_of_event(const std::string& user = "u1") {
    auto got = read({{user}, {{"calendar", "events", "e1"}}, links}).records;
    if (got.empty())
      return "no event";
    return got[0].linked.empty() ? "no time" : std::string{json::parse(got[0].linked)->text("startDate")};
  }
};

TEST_F(reading, an_event_comes_with_its_time_block) { EXPECT_EQ(begin_of_event(), "2026-03-01T09:00:00.000Z"); }

TEST_F(reading, the_merged_record_decides_which_one) {
  append_to("calendar", "events", "u1", "e1", "update", R"({"timeBlockId":"t2"})",
            R"({"timeBlockId":"2020-01-01T00:00:00.000Z"})"); // loses
  EXPECT_EQ(begin_of_event(), "2026-03-01T09:00:00.000Z");
  append_to("calendar", "events", "u1", "e1", "update", R"({"timeBlockId":"t2"})",
            R"({"timeBlockId":"2099-01-01T00:00:00.000Z"})");
  EXPECT_EQ(begin_of_event(), "2026-03-02T09:00:00.000Z");
}

TEST_F(reading, a_time_block_that_is_missing_or_deleted_is_none) {
  append_to("timeblocks", "timeBlocks", "u1", "t1", "delete", R"({"deletedAt":"2099-01-01T00:00:00.000Z"})");
  EXPECT_EQ(begin_of_event(), "no time");
  append_to("calendar", "events", "u1", "e1", "update", R"({"timeBlockId":"nowhere"})",
            R"({"timeBlockId":"2099-01-01T00:00:00.000Z"})");
  EXPECT_EQ(begin_of_event(), "no time");
  append_to("calendar", "events", "u1", "e1", "update", R"({"timeBlockId":7})",
            R"({"timeBlockId":"2099-01-02T00:00:00.000Z"})");
  EXPECT_EQ(begin_of_event(), "no time");
}

TEST_F(reading, links_do_not_leave_the_users_records) {
  append_to("calendar", "events", "u2", "e1", "insert", R"({"title":"fremd","timeBlockId":"t1"})");
  EXPECT_EQ(begin_of_event("u2"), "no time");
  EXPECT_EQ(begin_of_event("u3"), "no event");
}

TEST_F(reading, without_a_link_a_record_comes_alone) {
  auto got = read({{"u1"}, {{"calendar", "events", "e1"}, {"timeblocks", "timeBlocks", "t1"}}, {}}).records;
  ASSERT_THAT(got, SizeIs(2));
  EXPECT_THAT(got[0].linked, IsEmpty());
  EXPECT_EQ(json::parse(got[0].json)->text("title"), "Zahnarzt");
  EXPECT_THAT(got[1].linked, IsEmpty());
}

TEST_F(reading, a_plan_from_when_the_user_had_few_rows_still_reads_the_record_alone) {
  auto direct = std::make_unique<pg::connection>(direct_runner_url());
  auto histories = [&] {
    pqxx::nontransaction tx{direct->raw()};
    return read_linked_histories(tx, {{{"u1"}, {"calendar", "events", "e1"}}}, links);
  };
  query("ANALYZE public.sync_changes");
  EXPECT_THAT(histories().front().own, SizeIs(1));
  query("INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data)"
        " SELECT 'calendar', 'events', 'e-' || n, 'u1', 'browser', 'insert', '{}' FROM generate_series(1, 2000) n");
  query("SELECT pg_stat_reset()");
  auto history = histories().front();
  EXPECT_THAT(history.own, SizeIs(1));
  EXPECT_THAT(history.targets["t1"], SizeIs(1));
  close_and_count(std::move(direct));
  EXPECT_LT(std::stoi(query("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'sync_changes'")), 20);
}

} // namespace
} // namespace mana
