// What happened in a simulated world, as lines for a person. Off unless asked for: two thousand worlds write nothing.
#pragma once

#include "messages/timestamp.hpp"

#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace mana::sim {

enum class tracing : std::uint8_t { off, kept, printed };

class trace {
public:
  explicit trace(tracing how, std::function<timestamp()> now) : how_(how), now_(std::move(now)) {}

  template <class... Parts>
  void operator()(const Parts&... parts) {
    if (how_ == tracing::off)
      return;
    std::string line = to_iso(now_()).substr(11, 12);
    ((line += ' ', append(line, parts)), ...);
    for (unsigned char c : line)
      hash_ = (hash_ ^ c) * 0x100000001b3ULL; // FNV-1a
    if (how_ == tracing::printed)
      std::cout << line << '\n';
    lines_.push_back(std::move(line));
  }

  std::uint64_t hash() const noexcept { return hash_; }
  const std::vector<std::string>& lines() const noexcept { return lines_; }

private:
  static void append(std::string& out, std::string_view s) { out += s; }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  static void append(std::string& out, Number n) { out += std::to_string(n); }
  static void append(std::string& out, timestamp t) { out += to_iso(t).substr(11, 12); }

  tracing how_;
  std::function<timestamp()> now_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::vector<std::string> lines_;
};

} // namespace mana::sim
