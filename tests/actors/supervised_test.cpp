// The generic supervisor: restarts, the limit, and the way down.
#include "actors/supervisor/supervised_actor.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <gtest/gtest.h>

namespace mana {
namespace {

struct crash {};
struct count_requests {};

} // namespace
} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::crash)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::count_requests)

namespace mana {
namespace {

using child_actor = caf::typed_actor<caf::replies_to<count_requests>::with<int>, caf::reacts_to<crash>>;

struct child_state {
  child_state() = default;
  int requests = 0;
};

child_actor::behavior_type child(child_actor::stateful_pointer<child_state> self) {
  return {
      [=](count_requests) { return ++self->state.requests; },
      [=](crash) { self->quit(caf::make_error(errc::internal, std::string{"boom"})); },
  };
}

struct supervision : ::testing::Test {
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }
  } cfg;
  caf::actor_system sys{cfg};
  caf::scheduler::test_coordinator& sched = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  std::vector<std::string> restarts;
  int started = 0;

  child_actor spawn(std::size_t max_restarts) {
    return spawn_supervised<child_actor>(
        sys, "child",
        [this] {
          ++started;
          return caf::actor_cast<caf::actor>(sys.spawn(child));
        },
        {max_restarts, std::chrono::seconds{60}},
        [this](const std::string& name, const std::string& reason) { restarts.push_back(name + ": " + reason); });
  }
  caf::expected<int> ask(const child_actor& a) {
    caf::scoped_actor self{sys};
    auto request = self->request(a, caf::infinite, count_requests{});
    sched.run();
    caf::expected<int> answer{caf::error{}};
    request.receive([&](int n) { answer = n; }, [&](caf::error& e) { answer = std::move(e); });
    return answer;
  }
  void send_crash(const child_actor& a) {
    caf::anon_send(a, crash{});
    sched.run();
  }
  void stop(const child_actor& a) {
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    sched.run();
  }
};

TEST_F(supervision, requests_pass_through_to_one_child) {
  auto a = spawn(3);
  EXPECT_EQ(*ask(a), 1);
  EXPECT_EQ(*ask(a), 2);
  EXPECT_EQ(started, 1);
  stop(a);
}

TEST_F(supervision, a_dead_child_is_replaced_behind_the_same_handle) {
  auto a = spawn(3);
  EXPECT_EQ(*ask(a), 1);
  send_crash(a);
  EXPECT_EQ(*ask(a), 1); // fresh state
  EXPECT_EQ(started, 2);
  ASSERT_EQ(restarts.size(), 1u);
  EXPECT_EQ(restarts[0].rfind("child: ", 0), 0u);
  stop(a);
}

TEST_F(supervision, beyond_the_limit_it_gives_up_with_the_childs_reason) {
  auto a = spawn(2);
  caf::scoped_actor self{sys};
  self->monitor(a);
  for (int i = 0; i < 3; ++i)
    send_crash(a);
  EXPECT_EQ(started, 3);
  bool down = false;
  self->receive([&](const caf::down_msg& d) {
    down = true;
    EXPECT_EQ(d.reason, errc::internal);
  });
  EXPECT_TRUE(down);
  EXPECT_FALSE(ask(a));
}

TEST_F(supervision, an_exit_stops_the_child_and_does_not_restart_it) {
  auto a = spawn(2);
  sched.run();
  caf::scoped_actor self{sys};
  self->monitor(a);
  stop(a);
  self->receive([&](const caf::down_msg& d) { EXPECT_EQ(d.reason, caf::exit_reason::user_shutdown); });
  EXPECT_EQ(started, 1);
  EXPECT_TRUE(restarts.empty());
}

} // namespace
} // namespace mana
