#include "actors/scheduler/tick_progress.hpp"

#include <utility>

namespace mana {

void tick_progress::begin(time_point started, timestamp scanned_at, std::size_t waits_for) {
  *this = {};
  phase_ = phase::refreshing;
  started_ = started;
  report_.scanned_at = scanned_at;
  report_.due = waits_for;
}

void tick_progress::refreshed() {
  if (phase_ == phase::refreshing)
    phase_ = phase::claiming;
}

void tick_progress::claimed(timestamp database_now, more_to_claim more) {
  report_.scanned_at = database_now;
  if (more == more_to_claim::none)
    stop_claiming();
  else if (more == more_to_claim::after_a_run && claiming())
    phase_ = phase::between_claims;
}

void tick_progress::run_ended(const run_finished& run) {
  run_ended_since_claim_ = true;
  if (phase_ == phase::between_claims)
    phase_ = phase::claiming;
  report_.plans_produced += run.plan_produced ? 1 : 0;
  report_.plans_written += run.plan_produced && run.written ? 1 : 0;
  report_.parse_failures += run.parse_failures;
  if (!run.error)
    return;
  std::string text = run.held.key.mission.value + ": " + std::string{to_string(*run.error)};
  if (!run.detail.empty())
    text += " (" + run.detail + ")";
  add_error(std::move(text));
}

void tick_progress::failed(std::string what) {
  well_ = false;
  add_error(std::move(what));
}

void tick_progress::stop_claiming() {
  if (running())
    phase_ = phase::finishing;
}

tick_report tick_progress::end() {
  phase_ = phase::idle;
  return std::exchange(report_, {});
}

void tick_progress::add_error(std::string text) {
  if (report_.errors.size() < max_tick_errors)
    report_.errors.push_back(std::move(text));
}

} // namespace mana
