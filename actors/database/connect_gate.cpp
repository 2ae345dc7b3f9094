#include "actors/database/connect_gate.hpp"

namespace mana {

std::optional<failure> connect_gate::refusal(time_point now) {
  std::lock_guard lock{mutex_};
  if (failures_ == 0)
    return std::nullopt;
  if (trying_ || now < closed_until_)
    return last_;
  trying_ = true;
  return std::nullopt;
}

void connect_gate::connected() {
  std::lock_guard lock{mutex_};
  failures_ = 0;
  trying_ = false;
}

void connect_gate::failed(const failure& why, time_point now, double random) {
  std::lock_guard lock{mutex_};
  last_ = why;
  if (failures_ > 0 && !trying_)
    return;
  trying_ = false;
  closed_until_ = now + between_.delay(++failures_, random);
}

} // namespace mana
