// The parts of the product that one process can serve: `--target=runner,auth`.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mana::config {

enum class target : std::uint8_t { runner, auth, sync, web, llm_standin };

inline constexpr target all_targets[] = {target::runner, target::auth, target::sync, target::web, target::llm_standin};

// As written on the command line: runner, auth, sync, web, llm-standin.
std::string_view to_string(target t) noexcept;

class target_set {
public:
  target_set() = default;
  target_set(std::initializer_list<target> ts) {
    for (auto t : ts)
      insert(t);
  }
  void insert(target t) { bits_ |= bit(t); }
  bool contains(target t) const { return (bits_ & bit(t)) != 0; }
  bool empty() const { return bits_ == 0; }
  bool intersects(target_set other) const { return (bits_ & other.bits_) != 0; }
  friend bool operator==(target_set, target_set) = default;

private:
  static unsigned bit(target t) { return 1u << static_cast<unsigned>(t); }
  unsigned bits_ = 0;
};

// Comma-separated names.
std::string to_string(target_set ts);

// Names separated by commas, or `all`. config_invalid names what is unknown or missing.
result<target_set> parse_targets(std::string_view text);

} // namespace mana::config
