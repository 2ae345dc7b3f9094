#include "tests/simulation/many_worlds.hpp"

#include <algorithm>
#include <thread>
#include <vector>

namespace mana::sim {

many_worlds::many_worlds(std::uint64_t first, std::uint64_t end, broken_rule broken, judge enough, std::size_t most)
  : next_(first), end_(end), broken_(broken), enough_(std::move(enough)), most_(most) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([this] { work(); });
  for (auto& t : threads)
    t.join();
}

void many_worlds::work() {
  for (auto seed = next_++; seed < end_; seed = next_++) {
    auto outcome = simulate(seed, tracing::off, broken_);
    std::lock_guard lock{mutex_};
    planned_ += outcome.planned;
    failed_ += outcome.failed;
    quarantined_ += outcome.quarantined;
    if (!enough_(outcome))
      continue;
    violations_.emplace(seed, *outcome.violation);
    if (violations_.size() >= most_)
      next_ = end_;
  }
}

} // namespace mana::sim
