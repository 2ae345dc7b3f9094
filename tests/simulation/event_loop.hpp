// The world's clock and its order of events: actors under CAF's deterministic scheduler, and everything else that
// happens at a point in time. Of several actors that could go on at once the seed picks one, message by message.
#pragma once

#include "tests/simulation/seeded_random.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <functional>
#include <set>
#include <vector>

namespace mana::sim {

class event_loop {
public:
  using time_point = caf::actor_clock::time_point;
  using task = std::function<void()>;

  event_loop(caf::actor_system& sys, std::uint64_t seed);

  time_point now() const { return coordinator_.clock().now(); }
  std::chrono::milliseconds elapsed() const;
  void after(std::chrono::milliseconds delay, task what);

  // Runs the next point in time with anything to do; false, and the clock stands at `end`, when that comes first.
  bool step(time_point end);
  // Until no actor that may has anything to do.
  void run_actors();

  // A frozen actor gets messages and timeouts, but no turn.
  void freeze(caf::actor_id id) { frozen_.insert(id); }
  void thaw(caf::actor_id id) { frozen_.erase(id); }
  void forget_events() { events_.clear(); }

private:
  struct event {
    time_point at;
    std::uint64_t order = 0;
    task what;
  };
  static bool later(const event& a, const event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  bool is_frozen(caf::resumable* job) const;
  void pick_next_job(std::size_t runnable);

  caf::scheduler::test_coordinator& coordinator_;
  time_point start_;
  seeded_random order_;
  std::uint64_t next_order_ = 0;
  std::vector<event> events_; // a heap
  std::set<caf::actor_id> frozen_;
};

} // namespace mana::sim
