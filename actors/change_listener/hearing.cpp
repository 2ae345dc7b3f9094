#include "actors/change_listener/hearing.hpp"

#include <utility>

namespace mana {

std::optional<hearing::task> hearing::due(time_point now) const {
  if (heard_by_ && now >= *heard_by_)
    return task::give_up;
  if (!proven() && now >= poll_at_)
    return task::poll;
  if (phase_ == phase::away)
    return now >= connect_at_ ? std::optional{task::connect} : std::nullopt;
  return !heard_by_ && now >= check_at_ ? std::optional{task::check} : std::nullopt;
}

void hearing::connected(time_point now) {
  phase_ = phase::unproven;
  connected_at_ = check_at_ = now;
  poll_at_ = now; // what was missed meanwhile
}

void hearing::lost(time_point now, double random) {
  phase_ = phase::away;
  heard_by_.reset();
  connect_at_ = now + rules_.reconnect.delay(++losses_, random);
}

void hearing::check_started(time_point now) { heard_by_ = now + rules_.heard_within; }

void hearing::check_not_sent(time_point now) {
  if (!std::exchange(heard_by_, std::nullopt))
    return;
  phase_ = phase::unproven;
  check_at_ = now + rules_.check_every;
}

bool hearing::check_heard(time_point now) {
  if (phase_ == phase::away)
    return false;
  heard_by_.reset();
  check_at_ = now + rules_.check_every;
  // One that breaks again and again must not be taken up again without a pause.
  if (now - connected_at_ >= rules_.check_every)
    losses_ = 0;
  return std::exchange(phase_, phase::proven) != phase::proven;
}

void hearing::polled(time_point now, double random) {
  auto share = std::chrono::duration<double, std::milli>{rules_.poll_every} * (0.5 + random);
  poll_at_ = now + std::chrono::duration_cast<std::chrono::milliseconds>(share);
}

} // namespace mana
