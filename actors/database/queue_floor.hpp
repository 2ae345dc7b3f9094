// queue_floor: where a scan of a queue in the database may begin.
//
// What was taken out of a queue stays in its index for as long as any session holds a snapshot from before, and every
// scan from the beginning walks over it: after some minutes of such a snapshot that takes longer than all the rest. So
// scans begin at the floor, which is where a look for the first entry has found one, less some slack. A look walks as
// well. While looks are cheap, each scan comes after one, and nothing differs from scans from the beginning; else they
// take a tenth of the time at most, and who joins the queue before the floor waits for the next one.
//
// Positions are what the queue is ordered by: numbers that grow. Thread-safe: scans run on several workers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace mana {

class queue_floor {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds cheap{5};

  explicit queue_floor(std::int64_t slack) : slack_(slack) {}

  bool look_is_due(time_point now) const {
    std::lock_guard lock{mutex_};
    return now >= next_look_;
  }

  // `first`: none when the queue is empty.
  void looked(std::optional<std::int64_t> first, time_point begun, time_point ended) {
    std::lock_guard lock{mutex_};
    if (first)
      floor_ = *first - slack_;
    auto took = ended - begun;
    next_look_ = took <= cheap ? ended : ended + 9 * took;
  }

  // All before this position was taken, as far as a scan could see.
  void taken_to(std::int64_t position) {
    std::lock_guard lock{mutex_};
    floor_ = std::max(floor_, position - slack_);
  }

  std::int64_t get() const {
    std::lock_guard lock{mutex_};
    return floor_;
  }

private:
  mutable std::mutex mutex_;
  std::int64_t slack_;
  std::int64_t floor_ = 0;
  time_point next_look_ = time_point::min();
};

struct scan_start {
  std::int64_t from = 0;
  bool looked = false; // nothing was before it just then
};

// Where to begin now. `look` is called when it is time to, or when the queue has to be seen as a whole.
template <class Look>
scan_start scan_from(queue_floor& floor, bool whole, Look look) {
  auto begun = std::chrono::steady_clock::now();
  bool looks = whole || floor.look_is_due(begun);
  if (looks) {
    auto first = look();
    floor.looked(first, begun, std::chrono::steady_clock::now());
  }
  return {floor.get(), looks};
}

} // namespace mana
