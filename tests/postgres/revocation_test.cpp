// Withdrawn grants on a real change log: what the refresher remembers and announces, what the writer refuses,
// and what the listener passes on.
#include "actors/change_listener/runner_hearing.hpp"
#include "actors/change_log/stop_notice.hpp"
#include "actors/database/database_actor.hpp"
#include "infra/crypto/grant/grant.hpp"
#include "infra/postgres/notifications.hpp"
#include "tests/postgres/one_mission_fixture.hpp"

#include <gmock/gmock.h>

#include <future>
#include <thread>

namespace mana {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string grant_text(const std::string& wrapped_key) { return R"({"wrappedKey":")" + wrapped_key + R"("})"; }
std::string print_of(const std::string& wrapped_key) {
  return *crypto::grant_fingerprint(json::object{{"wrappedKey", wrapped_key}});
}
const std::string key_a = "QUFB", key_b = "QkJC";

struct revocation : testing::one_mission_fixture {
  void SetUp() override {
    one_mission_fixture::SetUp();
    listener = std::make_unique<pg::notification_source>(direct_runner_url(), std::vector<std::string>{stop_channel});
    give(key_a);
    refresh();
  }
  void TearDown() override {
    listener.reset();
    one_mission_fixture::TearDown();
  }

  // Writes of the mission's grant, each with a later stamp.
  void set_grant(const std::string& value) {
    auto stamp = "2026-02-01T00:00:0" + std::to_string(++writes) + ".000Z";
    append("u1", "m1", "update", R"({"grant":)" + value + "}", R"({"grant":")" + stamp + R"("})");
  }
  // The same in a transaction of the caller's.
  void change_grant(pqxx::work& tx, const std::string& value) {
    auto stamp = "2026-02-01T00:00:0" + std::to_string(++writes) + ".000Z";
    tx.exec("SELECT set_config('app.current_user_id', 'u1', true)");
    tx.exec("INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, field_timestamps,"
            " client_id) VALUES ('ai', 'aiMissions', 'm1', 'u1', 'update', '{\"grant\":"
            + value + "}', '{\"grant\":\"" + stamp + "\"}', 'test')");
  }
  void give(const std::string& wrapped_key) { set_grant(grant_text(wrapped_key)); }
  void withdraw() { set_grant("null"); }

  grant_memory remembered() { return grant_memory::of(snapshot("u1", "m1")); }
  std::size_t iterations() { return snapshot("u1", "m1").find("iterations")->as_array()->size(); }
  // What was announced up to now: everything before a mark of our own.
  std::vector<std::string> announced() {
    query("SELECT pg_notify('mana_ai_stop_runs', 'mark')");
    std::vector<std::string> out;
    for (;;)
      for (auto& n : listener->wait(10s)) {
        if (n.payload == "mark")
          return out;
        out.push_back(n.payload);
      }
  }

  std::unique_ptr<pg::notification_source> listener;
  int writes = 0;
};

// -- the refresher ------------------------------------------------------------------------------------

TEST_F(revocation, a_withdrawn_grant_is_remembered_and_announced_once) {
  EXPECT_FALSE(remembered().holds(print_of(key_a)));
  withdraw();
  refresh();
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
  EXPECT_THAT(announced(), ElementsAre("grant:" + print_of(key_a)));
  append("u1", "m1", "update", R"({"title":"x"})", R"({"title":"2026-02-02T00:00:00.000Z"})");
  refresh();
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
  EXPECT_THAT(announced(), IsEmpty());
}

TEST_F(revocation, a_replayed_grant_stays_revoked_through_a_fold_of_the_whole_history) {
  give(key_b);
  give(key_a);
  refresh();
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
  query("INSERT INTO mana_ai.mission_dirty (user_id, mission_id) VALUES ('u1', 'm1')");
  refresh();
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
  EXPECT_TRUE(remembered().holds(print_of(key_b)));
}

TEST_F(revocation, what_the_log_forgot_is_still_revoked) {
  withdraw();
  refresh();
  query("DELETE FROM public.sync_changes WHERE op = 'update'");
  give(key_a);
  refresh();
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
}

TEST_F(revocation, deleting_the_mission_withdraws_its_grant) {
  append("u1", "m1", "delete", R"({"deletedAt":"2026-02-03T00:00:00.000Z"})");
  refresh();
  EXPECT_THAT(announced(), ElementsAre("grant:" + print_of(key_a)));
  append("u1", "m1", "update", R"({"deletedAt":null})", R"({"deletedAt":"2026-02-04T00:00:00.000Z"})");
  refresh();
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
}

TEST_F(revocation, a_user_whose_rows_are_deleted_is_never_planned_again) {
  query("DELETE FROM public.sync_changes WHERE user_id = 'u1'");
  refresh();
  EXPECT_TRUE(snapshot("u1", "m1").is_null());
  EXPECT_THAT(announced(), ElementsAre("grant:" + print_of(key_a)));
  EXPECT_THAT(claim_due_missions(*runner, {10, 8}, {15s, "replica-a"}).missions, IsEmpty());
}

TEST_F(revocation, rows_of_a_user_that_is_unknown_here_are_not_noted_when_they_are_deleted) {
  query("DELETE FROM mana_ai.mission_snapshots");
  query("DELETE FROM public.sync_changes WHERE user_id = 'u1'");
  EXPECT_EQ(query("SELECT count(*) FROM mana_ai.mission_dirty"), "0");
}

// -- the writer's fence -------------------------------------------------------------------------------

TEST_F(revocation, a_plan_under_the_present_grant_is_written) {
  auto m = claim_one();
  ASSERT_TRUE(end(planned(m, print_of(key_a))));
  EXPECT_EQ(iterations(), 1u);
}

TEST_F(revocation, a_plan_under_a_grant_that_was_withdrawn_meanwhile_is_refused) {
  for (auto* next : {"null", R"({"wrappedKey":"QkJC"})"}) {
    SCOPED_TRACE(next);
    auto m = claim_one();
    set_grant(next); // nobody has folded it yet
    auto r = end(planned(m, print_of(key_a)));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, errc::grant_revoked);
    EXPECT_EQ(iterations(), 0u);
    EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE client_id = 'mana-ai-runner'"), "0");
    // The lease is still held, and the next claim knows.
    end_run parked;
    parked.held = m.held;
    parked.slot = m.slot;
    parked.how = run_end::parked;
    ASSERT_TRUE(end(parked));
    auto again = claim_one();
    EXPECT_EQ(again.attempt, m.attempt);
    EXPECT_TRUE(grant_memory::of(*json::parse(*again.record)).holds(print_of(key_a)));
    parked.held = again.held;
    ASSERT_TRUE(end(parked));
    give(key_a); // in force again, and still revoked
    refresh();
  }
}

TEST_F(revocation, a_replayed_grant_does_not_pass_the_fence) {
  auto m = claim_one();
  withdraw();
  give(key_a);
  auto r = end(planned(m, print_of(key_a)));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::grant_revoked);
}

TEST_F(revocation, the_writer_announces_what_it_finds) {
  auto m = claim_one();
  withdraw();
  ASSERT_FALSE(end(planned(m, print_of(key_a))));
  EXPECT_THAT(announced(), ElementsAre("grant:" + print_of(key_a)));
  refresh();
  EXPECT_THAT(announced(), IsEmpty());
}

TEST_F(revocation, a_plan_without_decrypted_text_is_written_whatever_became_of_the_grant) {
  auto m = claim_one();
  withdraw();
  ASSERT_TRUE(end(planned(m, "")));
  EXPECT_EQ(iterations(), 1u);
  EXPECT_TRUE(remembered().holds(print_of(key_a)));
}

TEST_F(revocation, one_refused_plan_does_not_hold_up_the_batch) {
  insert_mission("u2", "m2", past);
  refresh();
  auto claimed = claim_due_missions(*runner, {10, 8}, {15s, "replica-a"}).missions;
  ASSERT_EQ(claimed.size(), 2u);
  withdraw();
  std::vector<end_run> ends;
  for (auto& m : claimed)
    ends.push_back(planned(m, m.held.key.user.value == "u1" ? print_of(key_a) : ""));
  auto results = end_runs(*runner, ends, {});
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(static_cast<bool>(results[i]), claimed[i].held.key.user.value == "u2");
  EXPECT_EQ(snapshot("u2", "m2").find("iterations")->as_array()->size(), 1u);
}

// -- a withdrawal that is under way ------------------------------------------------------------------

TEST_F(revocation, a_plan_waits_for_a_withdrawal_whose_commit_is_still_to_come) {
  insert_mission("u2", "m2", past);
  refresh();
  auto claimed = claim_due_missions(*runner, {10, 8}, {15s, "replica-a"}).missions;
  ASSERT_EQ(claimed.size(), 2u);
  std::vector<end_run> ends;
  for (auto& m : claimed)
    ends.push_back(planned(m, m.held.key.user.value == "u1" ? print_of(key_a) : "a"));
  auto of = [&](const char* user) { return claimed[0].held.key.user.value == user ? 0u : 1u; };
  pg::connection tab{sync_url()};
  pqxx::work withdrawal{tab.raw()};
  change_grant(withdrawal, "null");
  auto results = end_runs(*runner, ends, {});
  ASSERT_FALSE(results[of("u1")]);
  EXPECT_EQ(results[of("u1")].error().code, errc::database_conflict) << "tried again later";
  ASSERT_FALSE(results[of("u2")]);
  EXPECT_EQ(results[of("u2")].error().code, errc::grant_revoked) << "judged, and not made to wait";
  EXPECT_EQ(iterations(), 0u);
  withdrawal.commit();
  auto r = end(ends[of("u1")]);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::grant_revoked);
}

TEST_F(revocation, a_withdrawal_that_is_rolled_back_changes_nothing) {
  auto m = claim_one();
  {
    pg::connection tab{sync_url()};
    pqxx::work withdrawal{tab.raw()};
    change_grant(withdrawal, "null");
    ASSERT_FALSE(end(planned(m, print_of(key_a))));
  }
  EXPECT_TRUE(end(planned(m, print_of(key_a))));
}

// With the commit times of the server: the write-back has read the log, and the withdrawal comes before it commits.
TEST_F(revocation, a_withdrawal_commits_after_the_plan_that_it_came_too_late_for) {
  auto m = claim_one();
  pg::connection writer{direct_runner_url()};
  pqxx::work write_back{writer.raw()};
  EXPECT_EQ(write_back.exec1("SELECT mana_ai.hold_grants('{u1}')")[0].as<std::string>(), "u1");
  auto withdrawn = std::async(std::launch::async, [this] { withdraw(); });
  while (query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == "0")
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE data ? 'grant' AND data->'grant' = 'null'"), "0");
  write_back.commit();
  withdrawn.get();
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE data ? 'grant' AND data->'grant' = 'null'"), "1");
  EXPECT_EQ(end(planned(m, print_of(key_a))).error().code, errc::grant_revoked);
}

TEST_F(revocation, edits_without_the_grant_wait_for_nobody) {
  pg::connection writer{direct_runner_url()};
  pqxx::work write_back{writer.raw()};
  write_back.exec("SELECT mana_ai.hold_grants('{u1}')");
  append("u1", "m1", "update", R"({"title":"x"})", R"({"title":"2026-02-02T00:00:00.000Z"})");
  EXPECT_EQ(query("SELECT count(*) FROM public.sync_changes WHERE data->>'title' = 'x'"), "1");
}

// -- from a commit to the scheduler -------------------------------------------------------------------

TEST_F(revocation, the_listener_passes_orders_to_the_scheduler) {
  caf::actor_system_config cfg;
  cfg.set("scheduler.max-threads", std::size_t{2});
  caf::actor_system sys{cfg};
  auto hears = std::make_shared<std::promise<void>>();
  auto ordered = std::make_shared<std::promise<stop_runs>>();
  scheduler_actor scheduler = sys.spawn(
      [](scheduler_actor::pointer,
         const std::shared_ptr<std::promise<stop_runs>>& order) -> scheduler_actor::behavior_type {
        return {
            [](const run_tick&) { return tick_report{}; },
            [](const work_available&) {},
            [](const run_finished&) {},
            [](const run_uses_grant&) {},
            [=](const stop_runs& o) { order->set_value(o); },
            [](const get_scheduler_status&) { return scheduler_status{}; },
            [](const drain&) { return drained{}; },
        };
      },
      ordered);
  snapshot_refresher_actor refresher = sys.spawn(
      [](snapshot_refresher_actor::pointer, int) -> snapshot_refresher_actor::behavior_type {
        return {[](const refresh_snapshots&) { return snapshots_refreshed{}; }, [](const log_changed&) {}};
      },
      0);
  database_observer unobserved{[](auto&&...) {}, [](std::size_t) {}};
  database_actor pool = sys.spawn<database>(database_config{runner_url(), 1}, unobserved);
  listener_observer observer{[hears] { hears->set_value(); }, [](const failure&) {}};
  auto under_test = sys.spawn<change_listener, caf::detached>(
      listener_config{direct_runner_url(), runner_channels(), {}},
      runner_hearing(pool, refresher, scheduler, [] { return 0.5; }), observer);
  hears->get_future().wait();
  query("SELECT pg_notify('mana_ai_stop_runs', 'nonsense')");
  withdraw();
  refresh();
  auto order = ordered->get_future().get();
  EXPECT_EQ(order.by, stop_runs::whose::grant);
  EXPECT_EQ(order.fingerprint, print_of(key_a));
  for (auto& a : {caf::actor_cast<caf::actor>(under_test), caf::actor_cast<caf::actor>(scheduler),
                  caf::actor_cast<caf::actor>(refresher), caf::actor_cast<caf::actor>(pool)})
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

} // namespace
} // namespace mana
