#include "infra/log/trouble_tracker.hpp"

#include <utility>

namespace mana::log {

std::optional<std::size_t> trouble_tracker::happened(std::string_view what, std::string_view text, time_point now) {
  auto it = known_.find(what);
  if (it == known_.end()) {
    known_.emplace(what, trouble{{std::string{text}}, now, now, 1, 0});
    return 0;
  }
  auto& t = it->second;
  ++t.times;
  if (now - t.reminded >= remind_after) {
    t.reminded = now;
    t.texts.clear();
  }
  if (t.texts.size() >= max_texts || !t.texts.emplace(text).second) {
    ++t.left_out;
    return std::nullopt;
  }
  return std::exchange(t.left_out, 0);
}

std::optional<trouble_tracker::ended_trouble> trouble_tracker::ended(std::string_view what, time_point now) {
  auto it = known_.find(what);
  if (it == known_.end())
    return std::nullopt;
  ended_trouble out{it->second.times, std::chrono::duration_cast<std::chrono::milliseconds>(now - it->second.since)};
  known_.erase(it);
  return out;
}

} // namespace mana::log
