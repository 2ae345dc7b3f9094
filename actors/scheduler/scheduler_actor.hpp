// scheduler: claims due missions, starts a planner for each, keeps their leases, and answers ticks.
//
// Claims are issued one at a time. What asks for one: the tick's timer, POST /internal/tick, a
// changed snapshot, the due time of the next mission or retry, and a place that becomes free while
// more is waiting. With `tick_enabled` false only run_tick claims.
//
// What happens on failure
//   refresh or claim fails   the tick reports it; claims repeat with backoff for as long as it takes
//   renewal fails            repeated every third of a lease; a planner whose lease may have ended is stopped
//   lease lost               that planner is stopped, nothing is handed back
//   planner dies             error `internal`; its lease is handed back at once, as a crash, other runs do not notice
//   scheduler dies           its planners are stopped; the leases end by time
//   grant withdrawn, or      its runs are stopped and handed back, the attempt not counted; what such a run may have
//   user gone                sent to the writer already is judged by the writer's fence. A notice of it that was missed
//                            comes with the next renewal
//   drain                    no more claims; after the grace planners are stopped and their leases handed back
#pragma once

#include "actors/scheduler/backoff.hpp"
#include "actors/scheduler/run_ledger.hpp"
#include "actors/scheduler/stopped_grants.hpp"
#include "actors/scheduler/tick_progress.hpp"
#include "infra/tracing/tracer.hpp"
#include "messages/mission_claimer.hpp"
#include "messages/scheduler.hpp"
#include "messages/snapshot_refresher.hpp"

#include <caf/all.hpp>

#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mana {

struct scheduler_config {
  bool tick_enabled = true;
  std::chrono::milliseconds tick_interval{60'000};
  std::size_t max_runs = 256;
  std::size_t max_runs_per_user = 8; // all replicas together; enforced by the claim
  std::size_t claim_batch = 100;
  std::chrono::milliseconds lease_duration{15'000}; // as the claimer sets it; renewed every third of it
  std::chrono::milliseconds claim_timeout{10'000};
  std::chrono::milliseconds hand_back_timeout{3'000};
  std::chrono::milliseconds refresh_timeout{120'000}; // a new installation folds its whole log
  backoff after_failed_claim{
      .least = std::chrono::milliseconds{200}, .base = std::chrono::milliseconds{400}, .max = std::chrono::seconds{5}};
};

// Metrics and logs. Called on the scheduler's thread; must neither block nor throw.
struct scheduler_observers {
  std::function<void()> tick_started = [] {};
  std::function<void(std::chrono::nanoseconds)> tick_ended = [](auto) {};
  std::function<void(std::size_t)> missions_claimed = [](auto) {};
  std::function<void(std::size_t)> runs_in_flight = [](auto) {}; // a gauge
  std::function<void()> lease_lost = [] {};
  std::function<void(std::size_t)> leases_rescued = [](auto) {};
  std::function<void(std::size_t)> missions_crashed = [](auto) {}; // runs that ended with their planner or runner
  // The mission is not claimed again until an operator releases it.
  std::function<void(const mission_key&)> mission_quarantined = [](const auto&) {};
  std::function<void(std::chrono::milliseconds)> oldest_waiting = [](auto) {}; // a gauge
  tracing::tracer tracer;                                                      // starts the spans that `run_ended` ends
  // Every run once, also those that ended without a report of their own.
  std::function<void(const run_finished&)> run_ended = [](const auto&) {};
  // what: refresh, claim, renew or hand_back.
  std::function<void(std::string_view what, const failure&)> trouble = [](auto, const auto&) {};
};

struct scheduler_deps {
  mission_claimer_actor claimer;
  snapshot_refresher_actor refresher;
  // Starts the run, whose stages are children of the span. The planner sends run_finished once and ends, or ends
  // without: see above.
  std::function<caf::actor(const claimed_mission&, const started_span&, const scheduler_actor&)> make_planner;
  std::function<timestamp()> now; // the wall clock, for reports
  std::function<double()> random; // in [0, 1)
  scheduler_observers observers;
};

// The scheduler's messages to itself.
struct tick_due {};
struct renew_due {};
struct rescue_due {};
struct claim_again {}; // the pause after a failed claim is over
struct grace_over {};
struct wake_due {
  caf::actor_clock::time_point at; // an earlier wake-up may have replaced this one
};
using scheduler_self =
    scheduler_actor::extend<caf::reacts_to<tick_due>, caf::reacts_to<renew_due>, caf::reacts_to<rescue_due>,
                            caf::reacts_to<claim_again>, caf::reacts_to<grace_over>, caf::reacts_to<wake_due>>;

class scheduler : public scheduler_self::base {
public:
  scheduler(caf::actor_config& cfg, scheduler_config config, scheduler_deps deps);
  const char* name() const override { return "scheduler"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using time_point = caf::actor_clock::time_point;

  // scheduler_actor.cpp: ticks and claims
  caf::result<tick_report> on_run_tick();
  void on_tick_due();
  void start_tick();
  void finish_tick();
  void want_claim();
  void wake_in(std::chrono::milliseconds delay);
  void claim();
  void claimed(const claimed_missions& answer, std::size_t limit, bool for_tick, time_point asked_at);
  more_to_claim left_by(const claimed_missions& answer) const;
  void claim_failed(const failure& why, bool for_tick);
  tick_report refused_tick(const char* why) const;
  scheduler_status status() const;

  // scheduler_runs.cpp: runs, leases and the way out
  void start_run(const claimed_mission& mission, time_point lease_until);
  void run_ended(const run_finished& run);
  void planner_down(const caf::actor_addr& planner);
  bool stop_run(const lease& held, errc why);
  void stop_unnoticed(const std::vector<lease>& stopped);
  void renew();
  void renewed(const leases_renewed& answer, const std::vector<lease>& held, time_point asked_at);
  void rescue();
  void rescued(const leases_renewed& answer);
  void stop_overdue();
  void run_uses(const run_uses_grant& use);
  void on_stop_runs(const stop_runs& order);
  std::vector<lease> runs_of(const stop_runs& order) const;
  // When missions that are handed back may be claimed again.
  enum class claimable : std::uint8_t { not_by_us, after_a_pause, after_a_crash, at_once };
  void give_back(std::vector<lease> held, claimable again);
  caf::result<drained> on_drain(std::chrono::milliseconds grace);
  void on_grace_over();
  void answer_drains();

  scheduler_config config_;
  scheduler_deps deps_;
  run_ledger ledger_;
  tick_progress tick_;
  caf::typed_response_promise<tick_report> tick_promise_;
  std::optional<time_point> last_good_tick_;

  bool claiming_ = false;     // a claim is under way
  bool claim_wanted_ = false; // something may be claimable
  bool more_waiting_ = false; // the last claim left something behind
  bool backing_off_ = false;
  bool renewing_ = false;
  unsigned failed_claims_ = 0; // in a row
  unsigned crashes_ = 0;       // in a row
  std::optional<time_point> wake_at_;

  std::unordered_map<lease_token, caf::actor> planners_;
  std::unordered_map<caf::actor_addr, lease_token> tokens_; // until the planner is down
  std::unordered_map<lease_token, std::string> grants_;     // that runs in flight use
  stopped_grants stopped_grants_{4096};

  bool draining_ = false;
  bool grace_over_ = false;
  std::size_t handing_back_ = 0; // requests under way
  drained drained_;
  std::vector<caf::typed_response_promise<drained>> drain_promises_;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::tick_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::renew_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::rescue_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::claim_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::grace_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::wake_due)
