// The change_listener on real connections: what it passes on, and how it notices that nothing arrives.
#include "actors/change_listener/runner_hearing.hpp"
#include "actors/database/database_actor.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <caf/all.hpp>

#include <condition_variable>
#include <mutex>

namespace mana {
namespace {

using namespace std::chrono_literals;

// Counts events of another thread, and waits for them.
class tally {
public:
  void add() {
    {
      std::lock_guard lock{mutex_};
      ++count_;
    }
    changed_.notify_all();
  }
  std::size_t count() {
    std::lock_guard lock{mutex_};
    return count_;
  }
  void wait_for(std::size_t n) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return count_ >= n; });
  }
  void wait_for_another() { wait_for(count() + 1); }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

struct listening : testing::database_fixture {
  void TearDown() override {
    for (auto& a : actors) {
      self->send_exit(a, caf::exit_reason::user_shutdown);
      self->wait_for(a);
    }
    actors.clear();
    database_fixture::TearDown();
  }

  static hearing_rules quick() {
    return {.check_every = 100ms,
            .heard_within = 2s,
            .poll_every = 1h,
            .reconnect = {.least = 10ms, .base = 10ms, .max = 10ms}};
  }

  // `sender_url`: of the pool that sends the notifications of the self-check.
  void start(const hearing_rules& rules, const std::string& sender_url) {
    database_actor pool =
        sys.spawn<database>(database_config{sender_url, 1}, database_observer{[](auto&&...) {}, [](std::size_t) {}});
    snapshot_refresher_actor refresher = sys.spawn(
        [](snapshot_refresher_actor::pointer, tally* polls) -> snapshot_refresher_actor::behavior_type {
          return {[](const refresh_snapshots&) { return snapshots_refreshed{}; },
                  [=](const log_changed&) { polls->add(); }};
        },
        &refreshes);
    listener_observer observer{[this] { hears.add(); },
                               [this](const failure& f) {
                                 {
                                   std::lock_guard lock{reason_mutex};
                                   reason = f.detail;
                                 }
                                 deaf.add();
                               }};
    auto under_test =
        sys.spawn<change_listener, caf::detached>(listener_config{direct_runner_url(), runner_channels(), rules},
                                                  runner_hearing(pool, refresher, {}, [] { return 0.5; }), observer);
    actors = {caf::actor_cast<caf::actor>(under_test), caf::actor_cast<caf::actor>(refresher),
              caf::actor_cast<caf::actor>(pool)};
  }
  // Every message that was sent to the refresher before has been counted.
  std::size_t refreshes_so_far() {
    self->request(actors[1], caf::infinite, refresh_snapshots{})
        .receive([](const snapshots_refreshed&) {}, [](const caf::error&) {});
    return refreshes.count();
  }
  std::string last_reason() {
    std::lock_guard lock{reason_mutex};
    return reason;
  }
  void terminate_listener() {
    query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query ILIKE 'listen %' AND datname ="
          " current_database()");
  }

  tally refreshes;
  tally hears;
  tally deaf;
  std::mutex reason_mutex;
  std::string reason;
  struct config : caf::actor_system_config {
    config() { set("scheduler.max-threads", std::size_t{2}); }
  } cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  std::vector<caf::actor> actors;
};

TEST_F(listening, hears_its_own_check_and_then_changes_of_the_log) {
  start(quick(), runner_url());
  hears.wait_for(1);
  auto before = refreshes_so_far();
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  refreshes.wait_for(before + 1);
}

TEST_F(listening, has_the_log_read_after_a_lost_connection_and_hears_again) {
  start(quick(), runner_url());
  hears.wait_for(1);
  auto before = refreshes_so_far();
  terminate_listener();
  deaf.wait_for(1);
  hears.wait_for(2);
  EXPECT_GT(refreshes_so_far(), before);
}

TEST_F(listening, notices_that_notifications_go_elsewhere_and_polls) {
  auto rules = quick();
  rules.heard_within = 50ms;
  rules.poll_every = 10ms;
  auto elsewhere = superuser_url();
  elsewhere.replace(elsewhere.rfind('/'), std::string::npos, "/postgres");
  start(rules, elsewhere);
  deaf.wait_for(2);
  EXPECT_NE(last_reason().find("LISTEN_DATABASE_URL"), std::string::npos) << last_reason();
  EXPECT_EQ(hears.count(), 0u);
  refreshes.wait_for_another();
}

TEST_F(listening, polls_while_its_check_cannot_be_sent_but_passes_on_what_it_hears) {
  auto rules = quick();
  auto nowhere = runner_url();
  nowhere.replace(nowhere.rfind('/'), std::string::npos, "/no_such_database");
  start(rules, nowhere);
  deaf.wait_for(1);
  EXPECT_EQ(hears.count(), 0u);
  auto before = refreshes_so_far();
  insert_mission("u1", "m1", "2026-03-01T08:00:00.000Z");
  refreshes.wait_for(before + 1);
}

// 200 ms would be enough; whoever stops the process waits for it.
TEST_F(listening, ends_although_nothing_arrives) {
  auto rules = quick();
  rules.check_every = 1h;
  start(rules, runner_url());
  hears.wait_for(1);
  self->send_exit(actors[0], caf::exit_reason::user_shutdown);
  self->wait_for(actors[0]);
}

} // namespace
} // namespace mana
