// The one source of chance in a simulated world. Not <random>: its distributions differ between libraries, and a
// seed has to mean the same world everywhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mana::sim {

class seeded_random {
public:
  explicit seeded_random(std::uint64_t seed) : state_(seed) {}

  // SplitMix64.
  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  double share() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; } // in [0, 1)
  bool chance(double p) noexcept { return share() < p; }
  std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }

  // Both ends included.
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  std::chrono::milliseconds between(std::chrono::milliseconds low, std::chrono::milliseconds high) noexcept {
    return std::chrono::milliseconds{between(low.count(), high.count())};
  }

  template <class T>
  const T& one_of(const std::vector<T>& all) noexcept {
    return all[below(all.size())];
  }

private:
  std::uint64_t state_;
};

} // namespace mana::sim
