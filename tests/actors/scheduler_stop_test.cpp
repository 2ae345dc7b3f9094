// Runs that must end because their grant was withdrawn or their user is gone.
#include "actors/scheduler/stopped_grants.hpp"
#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"
#include "tests/actors/scheduler_fixture.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

lease lease_of(const std::string& mission, const std::string& user = "u") { return due_mission(mission, user).held; }

class scheduler_stop_test : public scheduler_test {
protected:
  void announce(const std::string& mission, const std::string& grant) {
    caf::anon_send(scheduler_, run_uses_grant{lease_of(mission), grant});
    run();
  }
  void stop_grant(const std::string& grant) {
    caf::anon_send(scheduler_, stop_runs{stop_runs::whose::grant, grant});
    run();
  }
  void stop_user(const std::string& user) {
    auto hash = crypto::to_hex(crypto::sha256(crypto::as_bytes(user)));
    caf::anon_send(scheduler_, stop_runs{stop_runs::whose::user, hash});
    run();
  }
};

TEST_F(scheduler_stop_test, runs_that_use_a_withdrawn_grant_are_stopped_and_handed_back) {
  start();
  add_work({"m1", "m2", "m3"});
  notify();
  announce("m1", "a");
  announce("m2", "a");
  announce("m3", "b");
  stop_grant("a");
  EXPECT_FALSE(running("m1"));
  EXPECT_FALSE(running("m2"));
  EXPECT_TRUE(running("m3"));
  EXPECT_THAT(world_.hand_backs, ElementsAre(UnorderedElementsAre(lease_of("m1"), lease_of("m2"))));
  ASSERT_EQ(ended_.size(), 2u);
  EXPECT_EQ(ended_[0].error, errc::grant_revoked);
  EXPECT_EQ(ended_[0].ended, std::nullopt);
  EXPECT_EQ(lost_, 0u);
}

TEST_F(scheduler_stop_test, the_slot_of_a_stopped_run_is_claimed_again_at_once) {
  start();
  add_work({"m1"});
  notify();
  announce("m1", "a");
  auto claims = world_.claims.size();
  add_work({"m1"});
  stop_grant("a");
  EXPECT_GT(world_.claims.size(), claims);
  EXPECT_TRUE(running("m1"));
}

TEST_F(scheduler_stop_test, a_grant_that_nobody_uses_stops_nothing) {
  start();
  add_work({"m1"});
  notify();
  stop_grant("a");
  announce("m1", "b");
  EXPECT_TRUE(running("m1"));
  EXPECT_THAT(world_.hand_backs, IsEmpty());
}

TEST_F(scheduler_stop_test, a_run_that_announces_a_stopped_grant_too_late_is_stopped_as_well) {
  start();
  add_work({"m1"});
  notify();
  stop_grant("a");
  announce("m1", "a");
  EXPECT_FALSE(running("m1"));
  EXPECT_THAT(world_.hand_backs, ElementsAre(ElementsAre(lease_of("m1"))));
}

TEST_F(scheduler_stop_test, forged_orders_make_no_busy_loop) {
  start();
  stop_grant("a");
  add_work({"m1"});
  notify();
  auto claims = world_.claims.size();
  announce("m1", "a");
  EXPECT_EQ(world_.claims.size(), claims); // it waits
  advance(1s);
  EXPECT_GT(world_.claims.size(), claims);
}

TEST_F(scheduler_stop_test, all_runs_of_a_deleted_user_are_stopped) {
  start();
  add_work({"m1", "m2"}, "gone");
  add_work({"m3"}, "other");
  notify();
  stop_user("gone");
  EXPECT_FALSE(running("m1"));
  EXPECT_FALSE(running("m2"));
  EXPECT_TRUE(running("m3"));
  ASSERT_EQ(ended_.size(), 2u);
  EXPECT_EQ(ended_[0].error, errc::account_deleted);
  EXPECT_THAT(world_.hand_backs, ElementsAre(UnorderedElementsAre(lease_of("m1", "gone"), lease_of("m2", "gone"))));
}

TEST_F(scheduler_stop_test, a_stopped_run_whose_end_was_committed_first_counts_as_ended) {
  start();
  add_work({"m1"});
  notify();
  announce("m1", "a");
  caf::anon_send(scheduler_, planned("m1")); // the report overtakes the order
  stop_grant("a");
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_EQ(ended_[0].ended, run_end::planned);
  EXPECT_THAT(world_.hand_backs, IsEmpty());
}

TEST_F(scheduler_stop_test, a_run_that_was_parked_without_a_pause_is_claimed_again_at_once) {
  start();
  add_work({"m1"});
  notify();
  auto claims = world_.claims.size();
  auto report = failed("m1", errc::grant_revoked);
  report.ended = run_end::parked;
  finish("m1", report);
  EXPECT_GT(world_.claims.size(), claims);
}

TEST(stopped_grants, forgets_the_oldest) {
  stopped_grants s{2};
  s.add("a");
  s.add("b");
  s.add("a"); // known: no place of its own
  s.add("c");
  EXPECT_FALSE(s.holds("a"));
  EXPECT_TRUE(s.holds("b"));
  EXPECT_TRUE(s.holds("c"));
}

} // namespace

} // namespace mana::test
