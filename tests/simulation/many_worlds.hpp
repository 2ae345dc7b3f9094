// Worlds of consecutive seeds. They share nothing, so there is one at a time per core.
#pragma once

#include "tests/simulation/simulation.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace mana::sim {

class many_worlds {
public:
  using judge = std::function<bool(const world_outcome&)>;

  // Until all of [first, end) have lived, or `enough` is true of `most` of them.
  many_worlds(std::uint64_t first, std::uint64_t end, broken_rule broken, judge enough, std::size_t most);

  // Of the worlds of which `enough` was true, by seed.
  const std::map<std::uint64_t, std::string>& violations() const { return violations_; }
  std::size_t planned() const { return planned_; }
  std::size_t failed() const { return failed_; }
  std::size_t quarantined() const { return quarantined_; }

private:
  void work();

  std::atomic<std::uint64_t> next_;
  std::uint64_t end_;
  broken_rule broken_;
  judge enough_;
  std::size_t most_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> violations_;
  std::size_t planned_ = 0;
  std::size_t failed_ = 0;
  std::size_t quarantined_ = 0;
};

} // namespace mana::sim
