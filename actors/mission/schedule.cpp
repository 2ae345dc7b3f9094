#include "actors/mission/schedule.hpp"

#include <algorithm>

namespace mana {

namespace {

const char* hold_of(const mission& m, const schedule_policy& policy) {
  if (m.deleted)
    return hold::deleted;
  if (m.state != "active") {
    for (auto* known : {hold::paused, hold::done, hold::archived})
      if (m.state == known)
        return known;
    return hold::unknown_state;
  }
  if (!m.next_run_at)
    return hold::no_next_run;
  return open_iterations(m) >= policy.max_open_iterations ? hold::waiting_for_review : hold::none;
}

} // namespace

std::size_t open_iterations(const mission& m) {
  return static_cast<std::size_t>(std::count_if(m.iterations.begin(), m.iterations.end(), [](auto& i) {
    return i.text("source") == "server" && i.text("overallStatus") == "awaiting-review";
  }));
}

schedule schedule_of(const mission& m, const schedule_policy& policy) { return {m.next_run_at, hold_of(m, policy)}; }

} // namespace mana
