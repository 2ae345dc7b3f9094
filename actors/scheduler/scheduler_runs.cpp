#include "actors/scheduler/scheduler_actor.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"

#include <algorithm>

namespace mana {

// -- runs -------------------------------------------------------------------------------------------

void scheduler::start_run(const claimed_mission& mission, time_point lease_until) {
  auto& token = mission.held.token;
  auto span = deps_.observers.tracer.start();
  if (!ledger_.add({mission.held, mission.slot, mission.attempt, lease_until, tick_.takes_claims(), {}, span}))
    return;
  deps_.observers.runs_in_flight(ledger_.size());
  caf::actor planner;
  try {
    planner = deps_.make_planner(mission, span, this);
  } catch (...) { // one mission that cannot be started must not stop the others
    run_finished report;
    report.held = mission.held;
    report.slot = mission.slot;
    report.attempt = mission.attempt;
    report.error = errc::internal;
    report.detail = "no planner";
    report.span = span;
    give_back({mission.held}, claimable::after_a_pause);
    return run_ended(report);
  }
  tokens_.emplace(planner.address(), token);
  planners_.emplace(token, planner);
  monitor(planner); // tells us also when it is down already
}

void scheduler::run_ended(const run_finished& run) {
  bool user_was_full = ledger_.at_user_limit(run.held.key.user);
  auto entry = ledger_.remove(run.held.token);
  if (!entry)
    return;
  planners_.erase(run.held.token);
  grants_.erase(run.held.token);
  deps_.observers.runs_in_flight(ledger_.size());
  deps_.observers.run_ended(run);
  if (run.error == errc::quarantined && run.ended == run_end::failed)
    deps_.observers.mission_quarantined(run.held.key);
  if (run.error == errc::lease_lost && !entry->stopping)
    deps_.observers.lease_lost();
  if (entry->awaited)
    tick_.run_ended(run);
  drained_.finished += draining_ && run.ended ? 1 : 0;
  if (run.ended)
    crashes_ = 0;
  if (run.retry_after.count() > 0)
    wake_in(run.retry_after);
  else if (!run.ended && run.error != errc::lease_lost)
    wake_in(config_.lease_duration); // the lease ends by time
  bool claimable_at_once = run.ended == run_end::parked && run.retry_after.count() == 0;
  if (more_waiting_ || user_was_full || claimable_at_once)
    want_claim();
  claim(); // a tick may wait for the place
  finish_tick();
  answer_drains();
}

// A planner that reported is not in the ledger any more; what is left ended without a report.
void scheduler::planner_down(const caf::actor_addr& planner) {
  auto known = tokens_.find(planner);
  if (known == tokens_.end())
    return;
  auto token = std::move(known->second);
  tokens_.erase(known);
  auto* entry = ledger_.find(token);
  if (!entry)
    return;
  bool crashed = !entry->stopping;
  run_finished report;
  report.held = entry->held;
  report.slot = entry->slot;
  report.attempt = entry->attempt;
  report.error = entry->stopping.value_or(errc::internal);
  report.detail = crashed ? "planner ended without a report" : "";
  report.span = entry->span;
  if (crashed)
    give_back({entry->held}, claimable::after_a_crash);
  run_ended(report);
}

// False when there is no such run, or it is being stopped already.
bool scheduler::stop_run(const lease& held, errc why) {
  auto planner = planners_.find(held.token);
  if (planner == planners_.end() || !ledger_.stop(held.token, why))
    return false;
  if (why == errc::lease_lost)
    deps_.observers.lease_lost();
  send_exit(planner->second, caf::exit_reason::user_shutdown);
  return true;
}

// -- grants and users that are gone -----------------------------------------------------------------

// A grant that runs were stopped for is announced by a run that was claimed before that. Notifications can
// be forged by other logins of the database, so what is claimed again waits a little.
void scheduler::run_uses(const run_uses_grant& use) {
  if (!ledger_.find(use.held.token))
    return;
  if (!stopped_grants_.holds(use.fingerprint)) {
    grants_.insert_or_assign(use.held.token, use.fingerprint);
    return;
  }
  stop_run(use.held, errc::grant_revoked);
  give_back({use.held}, claimable::after_a_pause);
}

void scheduler::on_stop_runs(const stop_runs& order) {
  bool of_grant = order.by == stop_runs::whose::grant;
  if (of_grant)
    stopped_grants_.add(order.fingerprint);
  auto held = runs_of(order);
  for (auto& l : held)
    stop_run(l, of_grant ? errc::grant_revoked : errc::account_deleted);
  if (!held.empty())
    give_back(std::move(held), of_grant ? claimable::at_once : claimable::not_by_us);
}

// Runs under a withdrawn grant whose notice did not arrive.
void scheduler::stop_unnoticed(const std::vector<lease>& stopped) {
  std::vector<lease> held;
  for (auto& l : stopped)
    if (stop_run(l, errc::grant_revoked))
      held.push_back(l);
  if (!held.empty())
    give_back(std::move(held), claimable::at_once);
}

std::vector<lease> scheduler::runs_of(const stop_runs& order) const {
  std::vector<lease> out;
  for (auto& held : ledger_.leases()) {
    auto grant = grants_.find(held.token);
    bool concerned = order.by == stop_runs::whose::grant
                         ? grant != grants_.end() && grant->second == order.fingerprint
                         : crypto::to_hex(crypto::sha256(crypto::as_bytes(held.key.user.value))) == order.fingerprint;
    if (concerned)
      out.push_back(held);
  }
  return out;
}

// -- leases -----------------------------------------------------------------------------------------

void scheduler::renew() {
  delayed_send(this, config_.lease_duration / 3, renew_due{});
  stop_overdue();
  auto held = ledger_.leases();
  if (renewing_ || held.empty())
    return;
  renewing_ = true;
  auto asked_at = clock().now();
  request(deps_.claimer, config_.lease_duration / 4, renew_leases{held})
      .then([=, this](const leases_renewed& answer) { renewed(answer, held, asked_at); },
            [this](const caf::error& e) {
              renewing_ = false;
              deps_.observers.trouble("renew", to_failure(e));
            });
}

// The database counted from when it saw the request, at the earliest from when it was sent.
void scheduler::renewed(const leases_renewed& answer, const std::vector<lease>& held, time_point asked_at) {
  renewing_ = false;
  ledger_.renew(held, asked_at + config_.lease_duration);
  for (auto& lost : answer.lost)
    stop_run(lost, errc::lease_lost);
  stop_unnoticed(answer.stopped);
  rescued(answer);
}

// From the start and often, with or without runs of its own: it decides how soon the runs of dead replicas go on
// elsewhere, and unlike a renewal it writes nothing where there is nothing to free. Beside a long transaction looking
// walks over every lease since its beginning; then less often, so that it takes a tenth of the time.
void scheduler::rescue() {
  if (draining_ || !config_.tick_enabled) {
    delayed_send(this, config_.lease_duration / 15, rescue_due{});
    return;
  }
  auto asked_at = clock().now();
  auto again = [this, asked_at] {
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock().now() - asked_at);
    delayed_send(this, std::clamp(9 * took, config_.lease_duration / 15, config_.lease_duration / 5), rescue_due{});
  };
  request(deps_.claimer, config_.lease_duration / 4, renew_leases{})
      .then(
          [this, again](const leases_renewed& answer) {
            again();
            rescued(answer);
          },
          [again](const caf::error&) { again(); }); // claims and renewals fail likewise, and say so
}

void scheduler::rescued(const leases_renewed& answer) {
  if (answer.rescued > 0)
    deps_.observers.leases_rescued(answer.rescued);
  if (auto crashed = answer.rescued - answer.rescued_of_tabs; crashed > 0)
    deps_.observers.missions_crashed(crashed);
  for (auto& key : answer.quarantined)
    deps_.observers.mission_quarantined(key);
  deps_.observers.oldest_waiting(answer.oldest_waiting.value_or(std::chrono::milliseconds{0}));
  // What waits may have been left by a replica that is full, which tells nobody.
  if (answer.rescued > 0 || answer.oldest_waiting)
    want_claim();
}

void scheduler::stop_overdue() {
  for (auto& held : ledger_.overdue(clock().now()))
    stop_run(held, errc::lease_lost);
}

// A pause, also after a crash: the mission may well end its next planner, too.
void scheduler::give_back(std::vector<lease> held, claimable again) {
  if (held.empty())
    return answer_drains();
  ++handing_back_;
  bool crashed = again == claimable::after_a_crash;
  bool pauses = crashed || again == claimable::after_a_pause;
  crashes_ += pauses ? 1 : 0;
  auto answered = [this, again, pauses](std::size_t missions) {
    --handing_back_;
    drained_.handed_back += draining_ ? missions : 0;
    if (pauses)
      wake_in(config_.after_failed_claim.delay(crashes_, deps_.random()));
    else if (again == claimable::at_once)
      want_claim();
    answer_drains();
  };
  request(deps_.claimer, config_.hand_back_timeout, hand_back{std::move(held), crashed})
      .then(
          [this, answered, crashed](const handed_back& answer) {
            if (crashed && answer.missions > 0)
              deps_.observers.missions_crashed(answer.missions);
            for (auto& key : answer.quarantined)
              deps_.observers.mission_quarantined(key);
            answered(answer.missions);
          },
          [this, answered](const caf::error& e) { // the leases end by time
            deps_.observers.trouble("hand_back", to_failure(e));
            answered(0);
          });
}

// -- the way out ------------------------------------------------------------------------------------

caf::result<drained> scheduler::on_drain(std::chrono::milliseconds grace) {
  auto promise = make_response_promise<drained>();
  drain_promises_.push_back(promise);
  if (!draining_) {
    draining_ = true;
    if (tick_.takes_claims()) {
      tick_.failed("shutting-down");
      tick_.stop_claiming();
    }
    delayed_send(this, grace, grace_over{});
    finish_tick();
  }
  answer_drains();
  return promise;
}

void scheduler::on_grace_over() {
  grace_over_ = true;
  auto held = ledger_.leases();
  for (auto& l : held)
    stop_run(l, errc::shutting_down);
  give_back(std::move(held), claimable::not_by_us);
}

// After the grace a claim under way is not waited for: what it brings is handed back all the same.
void scheduler::answer_drains() {
  bool over = ledger_.size() == 0 && handing_back_ == 0 && (!claiming_ || grace_over_);
  if (!draining_ || !over)
    return;
  for (auto& promise : drain_promises_)
    promise.deliver(drained_);
  drain_promises_.clear();
}

} // namespace mana
