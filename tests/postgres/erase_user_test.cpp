// The end of an account, on a real PostgreSQL with the service's own login.
#include "actors/iteration_writer/end_queries.hpp"
#include "actors/mission_claimer/claim_queries.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "actors/user_eraser/user_eraser_actor.hpp"
#include "infra/crypto/base64.hpp"
#include "tests/postgres/audit_fixture.hpp"

#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;

constexpr auto past = "2026-03-01T08:00:00.000Z";

struct erasing : testing::audit_fixture {
  void SetUp() override {
    audit_fixture::SetUp();
    for (std::string user : {"u1", "u2"}) {
      insert_mission(user, "m1", past);
      insert_mission(user, "m2", past);
    }
    refresh();
    for (std::string user : {"u1", "u2"}) {
      append(user, "m1", "update", R"({"title":"x"})", R"({"title":"2026-02-01T00:00:00.000Z"})");
      append_notes(user, 3);
    }
  }
  void refresh() { refresh_batch(*runner, 500, {}); }
  claimed_missions claim() { return claim_due_missions(*runner, {100, 8}, {15s, "replica-a"}); }
  // Rows of the user in all tables of the schema.
  std::string rows_of(const std::string& user) {
    return query("SELECT (SELECT count(*) FROM mana_ai.mission_snapshots WHERE user_id = '" + user
                 + "') + (SELECT count(*) FROM mana_ai.user_turns WHERE user_id = '" + user
                 + "') + (SELECT count(*) FROM mana_ai.mission_dirty WHERE user_id = '" + user
                 + "') + (SELECT count(*) FROM mana_ai.decrypt_audit WHERE user_id = '" + user + "')");
  }
  // The sync service forgets the account as well.
  void empty_log(const std::string& user) { query("DELETE FROM public.sync_changes WHERE user_id = '" + user + "'"); }
  void wait_for_a_blocked_session() {
    for (int looks = 0; looks < 100'000; ++looks)
      if (query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
          != "0")
        return;
    ADD_FAILURE() << "nobody waits";
  }
};

TEST_F(erasing, removes_all_of_the_user_and_nothing_of_others) {
  auto others = rows_of("u2");
  auto erased = erase_rows_of(*runner, {"u1"});
  EXPECT_EQ(erased.missions, 2);
  EXPECT_EQ(erased.queued_changes, 1);
  EXPECT_EQ(erased.audit_rows, 3);
  EXPECT_EQ(rows_of("u1"), "0");
  EXPECT_EQ(rows_of("u2"), others);
  EXPECT_FALSE(verify("u2").first_bad);
}

TEST_F(erasing, may_be_repeated) {
  erase_rows_of(*runner, {"u1"});
  auto again = erase_rows_of(*runner, {"u1"});
  EXPECT_EQ(again.missions + again.queued_changes + again.audit_rows, 0);
  EXPECT_EQ(erase_rows_of(*runner, {"never seen"}).missions, 0);
}

TEST_F(erasing, of_nobody_is_refused) {
  auto refused = pg::attempt([&] { return erase_rows_of(*runner, {""}).missions; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::database_refused);
}

TEST_F(erasing, stops_the_users_runs) {
  pg::connection listener{direct_runner_url()};
  struct receiver : pqxx::notification_receiver {
    using notification_receiver::notification_receiver;
    void operator()(const std::string& payload, int) override { got = payload; }
    std::string got;
  } stop{listener.raw(), "mana_ai_stop_runs"};
  erase_rows_of(*runner, {"u1"});
  while (stop.got.empty())
    listener.raw().await_notification(1, 0);
  EXPECT_EQ(stop.got, "user:" + crypto::to_hex(crypto::sha256(crypto::as_bytes("u1"))));
}

TEST_F(erasing, leaves_the_runs_in_flight_without_a_lease) {
  refresh();
  auto claimed = claim().missions;
  auto mine = std::find_if(claimed.begin(), claimed.end(), [](auto& m) { return m.held.key.user.value == "u1"; });
  ASSERT_NE(mine, claimed.end());
  erase_rows_of(*runner, {"u1"});
  end_run r;
  r.held = mine->held;
  r.slot = mine->slot;
  r.how = run_end::failed;
  r.iteration = std::make_shared<const std::string>(R"({"id":"i"})");
  auto ended = end_runs(*runner, {r}, {}).front();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::lease_lost);
  EXPECT_EQ(rows_of("u1"), "0");
}

TEST_F(erasing, a_user_without_rows_in_the_log_is_never_planned_again) {
  auto last_change = append("u1", "m1", "update", R"({"title":"y"})", R"({"title":"2026-02-02T00:00:00.000Z"})");
  empty_log("u1");
  erase_rows_of(*runner, {"u1"});
  // Entries that come late, as from a transaction that was in flight: with and without their change.
  query("INSERT INTO mana_ai.mission_dirty (user_id, mission_id, change_id) VALUES ('u1', 'm1', '" + last_change
        + "'), ('u1', 'm2', NULL)");
  refresh();
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_snapshots WHERE user_id = 'u1'"), "0");
  for (auto& m : claim().missions)
    EXPECT_EQ(m.held.key.user.value, "u2");
}

TEST_F(erasing, waits_for_a_refresh_that_is_under_way_and_removes_what_it_stored) {
  pg::connection other{runner_url()};
  pqxx::work refreshing{other.raw()};
  refreshing.exec("SELECT * FROM mana_ai.take_dirty(500)");
  result<user_erased> erased = failure{};
  std::thread eraser{[&] { erased = pg::attempt([&] { return erase_rows_of(*runner, {"u1"}); }); }};
  wait_for_a_blocked_session();
  refreshing.exec("SELECT * FROM mana_ai.lock_snapshots(ARRAY['u1'], ARRAY['m1'])");
  refreshing.commit();
  eraser.join();
  ASSERT_TRUE(erased) << erased.error().detail;
  EXPECT_EQ(rows_of("u1"), "0");
}

TEST_F(erasing, waits_for_audit_rows_that_are_being_written) {
  pg::connection other{runner_url()};
  pqxx::work writing{other.raw()};
  writing.exec("SELECT * FROM mana_ai.append_audit(ARRAY['u1'], ARRAY['m1'], ARRAY[gen_random_uuid()],"
               " ARRAY[NULL]::text[], ARRAY['notes'], ARRAY['n'], ARRAY['ok'], ARRAY[NULL]::text[], 1000)");
  result<user_erased> erased = failure{};
  std::thread eraser{[&] { erased = pg::attempt([&] { return erase_rows_of(*runner, {"u1"}); }); }};
  wait_for_a_blocked_session();
  writing.commit();
  eraser.join();
  ASSERT_TRUE(erased) << erased.error().detail;
  EXPECT_EQ(erased->audit_rows, 4);
  EXPECT_EQ(rows_of("u1"), "0");
}

TEST_F(erasing, a_later_chain_begins_anew) {
  erase_rows_of(*runner, {"u1"});
  append_notes("u1", 2);
  auto v = verify("u1");
  EXPECT_FALSE(v.first_bad);
  EXPECT_EQ(v.rows, 2);
}

} // namespace
} // namespace mana
