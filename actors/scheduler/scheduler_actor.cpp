#include "actors/scheduler/scheduler_actor.hpp"

#include <algorithm>

namespace mana {

namespace {

using std::chrono::milliseconds;

// A due time may be rounded, and a mission that is due may still be held back: not a busy loop.
constexpr milliseconds shortest_wake{5};

std::string text_of(std::string_view what, const failure& why) {
  std::string out{what};
  out.append(": ").append(to_string(why.code));
  if (!why.detail.empty())
    out.append(" (").append(why.detail).append(")");
  return out;
}

} // namespace

scheduler::scheduler(caf::actor_config& cfg, scheduler_config config, scheduler_deps deps)
  : scheduler_self::base(cfg), config_(config), deps_(std::move(deps)),
    ledger_(config_.max_runs, config_.max_runs_per_user) {
  set_exception_handler([](std::exception_ptr&) -> caf::error { return to_caf({errc::internal, "scheduler"}); });
  set_down_handler([this](const caf::down_msg& down) { planner_down(down.source); });
}

void scheduler::on_exit() {
  for (auto& [token, planner] : planners_)
    send_exit(planner, caf::exit_reason::user_shutdown);
  if (tick_promise_.pending())
    tick_promise_.deliver(refused_tick("shutting-down"));
  for (auto& promise : drain_promises_)
    promise.deliver(drained_);
  drain_promises_.clear();
  planners_.clear();
  tokens_.clear();
  deps_ = {};
}

scheduler::behavior_type scheduler::make_behavior() {
  if (config_.tick_enabled)
    send(this, tick_due{});
  delayed_send(this, config_.lease_duration / 3, renew_due{});
  send(this, rescue_due{});
  return {
      [this](const run_tick&) { return on_run_tick(); },
      [this](const work_available&) { want_claim(); },
      [this](const run_finished& run) { run_ended(run); },
      [this](const run_uses_grant& use) { run_uses(use); },
      [this](const stop_runs& order) { on_stop_runs(order); },
      [this](const get_scheduler_status&) { return status(); },
      [this](const drain& order) { return on_drain(order.grace); },
      [this](const tick_due&) { on_tick_due(); },
      [this](const renew_due&) { renew(); },
      [this](const rescue_due&) { rescue(); },
      [this](const claim_again&) {
        backing_off_ = false;
        claim();
      },
      [this](const grace_over&) { on_grace_over(); },
      [this](const wake_due& due) {
        if (wake_at_ != due.at)
          return;
        wake_at_.reset();
        want_claim();
      },
  };
}

// -- ticks ------------------------------------------------------------------------------------------

caf::result<tick_report> scheduler::on_run_tick() {
  if (draining_)
    return refused_tick("shutting-down");
  if (tick_.running())
    return refused_tick("overlap-skipped");
  tick_promise_ = make_response_promise<tick_report>();
  auto answer = tick_promise_;
  start_tick();
  return answer;
}

void scheduler::on_tick_due() {
  if (draining_)
    return;
  delayed_send(this, config_.tick_interval, tick_due{});
  if (tick_.running())
    want_claim(); // a slow run holds up the tick, not the other missions
  else
    start_tick();
}

void scheduler::start_tick() {
  ledger_.await_all();
  tick_.begin(clock().now(), deps_.now(), ledger_.size());
  deps_.observers.tick_started();
  request(deps_.refresher, config_.refresh_timeout, refresh_snapshots{})
      .then(
          [this](const snapshots_refreshed&) {
            tick_.refreshed();
            claim();
          },
          [this](const caf::error& e) { // the snapshots there are can still be claimed
            auto why = to_failure(e);
            deps_.observers.trouble("refresh", why);
            tick_.failed(text_of("refresh", why));
            tick_.refreshed();
            claim();
          });
}

void scheduler::finish_tick() {
  if (!tick_.finishing() || ledger_.awaited() > 0)
    return;
  auto now = clock().now();
  deps_.observers.tick_ended(now - tick_.started());
  if (tick_.well())
    last_good_tick_ = now;
  auto report = tick_.end();
  if (tick_promise_.pending())
    tick_promise_.deliver(std::move(report));
}

tick_report scheduler::refused_tick(const char* why) const {
  tick_report out;
  out.scanned_at = deps_.now();
  out.errors.emplace_back(why);
  return out;
}

scheduler_status scheduler::status() const {
  scheduler_status out;
  out.tick_enabled = config_.tick_enabled;
  out.tick_running = tick_.running();
  out.draining = draining_;
  out.runs_in_flight = ledger_.size();
  if (last_good_tick_)
    out.last_tick_age = std::chrono::duration_cast<std::chrono::seconds>(clock().now() - *last_good_tick_);
  return out;
}

// -- claims -----------------------------------------------------------------------------------------

void scheduler::want_claim() {
  if (!config_.tick_enabled)
    return;
  claim_wanted_ = true;
  claim();
}

// The next timer tick claims anyway, so later wake-ups need no timer, and few are ever pending.
void scheduler::wake_in(milliseconds delay) {
  if (!config_.tick_enabled || draining_ || delay >= config_.tick_interval)
    return;
  auto at = clock().now() + std::max(delay, shortest_wake);
  if (wake_at_ && *wake_at_ <= at)
    return;
  wake_at_ = at;
  scheduled_send(this, at, wake_due{at});
}

// Claims if something asks for it and nothing stands in the way; called whenever either may have changed.
void scheduler::claim() {
  bool for_tick = tick_.claiming();
  bool wanted = for_tick || (claim_wanted_ && !backing_off_);
  if (draining_ || claiming_ || !wanted || ledger_.free_places() == 0)
    return;
  claiming_ = true;
  claim_wanted_ = false;
  if (for_tick)
    tick_.claims();
  auto limit = std::min(ledger_.free_places(), config_.claim_batch);
  auto asked_at = clock().now();
  request(deps_.claimer, config_.claim_timeout, claim_missions{limit, config_.max_runs_per_user, for_tick})
      .then([=, this](const claimed_missions& answer) { claimed(answer, limit, for_tick, asked_at); },
            [=, this](const caf::error& e) { claim_failed(to_failure(e), for_tick); });
}

void scheduler::claimed(const claimed_missions& answer, std::size_t limit, bool for_tick, time_point asked_at) {
  claiming_ = false;
  failed_claims_ = 0;
  if (draining_) {
    std::vector<lease> held;
    for (auto& mission : answer.missions)
      held.push_back(mission.held);
    return give_back(std::move(held), claimable::not_by_us);
  }
  bool full = answer.missions.size() >= limit;
  more_waiting_ = full || answer.more_waiting;
  deps_.observers.missions_claimed(answer.missions.size());
  if (tick_.takes_claims())
    tick_.add_runs(answer.missions.size());
  for (auto& mission : answer.missions)
    start_run(mission, asked_at + config_.lease_duration);
  if (for_tick)
    tick_.claimed(answer.now, full ? more_to_claim::at_once : left_by(answer));
  claim_wanted_ |= full && config_.tick_enabled;
  if (answer.next_due_in)
    wake_in(*answer.next_due_in);
  finish_tick();
  claim();
}

// Whoever asked for the tick is to be told of all that is due. Without any run that may have held who was left, another
// replica does.
more_to_claim scheduler::left_by(const claimed_missions& answer) const {
  if (!answer.more_waiting || !tick_promise_.pending())
    return more_to_claim::none;
  if (tick_.run_ended_since_claim())
    return more_to_claim::at_once;
  return ledger_.awaited() > 0 ? more_to_claim::after_a_run : more_to_claim::none;
}

void scheduler::claim_failed(const failure& why, bool for_tick) {
  claiming_ = false;
  ++failed_claims_;
  deps_.observers.trouble("claim", why);
  if (for_tick) {
    tick_.failed(text_of("claim", why));
    tick_.stop_claiming();
  }
  if (config_.tick_enabled && !draining_) {
    claim_wanted_ = true;
    if (!backing_off_) {
      backing_off_ = true;
      delayed_send(this, config_.after_failed_claim.delay(failed_claims_, deps_.random()), claim_again{});
    }
  }
  finish_tick();
  claim(); // a tick that began meanwhile
  answer_drains();
}

} // namespace mana
