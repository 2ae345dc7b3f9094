// The scheduler with typed fakes around it: a claimer that gives out what is `due`, a refresher, and
// planners that do nothing until the test ends them.
#pragma once

#include "actors/scheduler/scheduler_actor.hpp"
#include "tests/actors/virtual_time.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace mana::test {

using namespace std::chrono_literals;

struct release_claims {};
struct release_renewals {};
struct release_refreshes {};

// What the fakes answer and what they were asked.
struct surroundings {
  std::deque<claimed_mission> due; // given out in this order
  std::optional<std::chrono::milliseconds> next_due_in;
  bool more_waiting = false;
  std::optional<failure> claim_error, refresh_error, renew_error, hand_back_error;
  bool hold_claims = false;                         // answer only when released
  bool hold_renewals = false;                       // likewise
  bool hold_looks = false;                          // for leases of dead replicas; released with the renewals
  bool hold_refreshes = false;                      // likewise
  std::vector<lease> lose;                          // at the next renewal
  std::vector<lease> stop;                          // likewise
  std::size_t rescue = 0;                           // likewise
  std::vector<mission_key> quarantine;              // likewise, or at the next hand-back
  std::optional<std::chrono::milliseconds> waiting; // of every renewal

  std::vector<claim_missions> claims;
  std::vector<std::vector<lease>> renewals;
  std::size_t looks = 0; // for leases of dead replicas
  std::vector<std::vector<lease>> hand_backs;
  std::size_t crashes = 0; // hand-backs of crashed planners
  std::size_t refreshes = 0;
};

using claimer_fake = mission_claimer_actor::extend<caf::reacts_to<release_claims>, caf::reacts_to<release_renewals>>;
using refresher_fake = snapshot_refresher_actor::extend<caf::reacts_to<release_refreshes>>;

claimer_fake::behavior_type fake_claimer(claimer_fake::pointer self, surroundings* world);
refresher_fake::behavior_type fake_refresher(refresher_fake::pointer self, surroundings* world);

// Missions m1, m2 … of user u; the token is `t-<mission>`.
claimed_mission due_mission(const std::string& mission, const std::string& user = "u");

class scheduler_test : public virtual_time {
protected:
  ~scheduler_test() override { stop_everything(); }

  // Only once per test; the refresher and the first tick have run when it returns.
  void start();
  void stop_everything();

  bool running(const std::string& mission) const { return planners_.contains("t-" + mission); }
  std::size_t runs() const { return planners_.size(); }
  // The planner reports and ends.
  void finish(const std::string& mission) { finish(mission, planned(mission)); }
  void finish(const std::string& mission, run_finished report);
  // The planner ends without a report.
  void crash(const std::string& mission);
  static run_finished planned(const std::string& mission);
  static run_finished failed(const std::string& mission, errc why);

  std::shared_ptr<outcome<tick_report>> tick() { return ask<tick_report>(scheduler_, run_tick{}); }
  std::shared_ptr<outcome<drained>> start_drain(std::chrono::milliseconds grace) {
    return ask<drained>(scheduler_, drain{grace});
  }
  scheduler_status status() { return *ask<scheduler_status>(scheduler_, get_scheduler_status{})->value; }
  void add_work(std::initializer_list<std::string> missions, const std::string& user = "u");
  void notify() {
    caf::anon_send(scheduler_, work_available{});
    run();
  }
  template <class Message>
  void release() {
    if constexpr (std::is_same_v<Message, release_refreshes>)
      caf::anon_send(refresher_, Message{});
    else
      caf::anon_send(claimer_, Message{});
    run();
  }

  surroundings world_;
  scheduler_config config_;
  double random_ = 0.5;
  bool factory_throws_ = false;
  scheduler_actor scheduler_;
  claimer_fake claimer_;
  refresher_fake refresher_;

  tracing::tracer tracer_;
  std::map<std::string, started_span> spans_; // that runs were given, by token

  // What the observers saw.
  std::vector<run_finished> ended_;
  std::vector<std::string> trouble_;
  std::size_t ticks_ = 0, lost_ = 0, rescued_ = 0, claimed_ = 0, in_flight_ = 0;
  std::size_t crashed_ = 0;
  std::vector<mission_key> quarantined_;
  std::vector<std::chrono::nanoseconds> tick_durations_;
  std::chrono::milliseconds oldest_{0};

private:
  caf::actor make_planner(const claimed_mission& mission);
  std::map<std::string, caf::actor> planners_; // living ones, by token
};

} // namespace mana::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::release_claims)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::release_renewals)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::release_refreshes)
