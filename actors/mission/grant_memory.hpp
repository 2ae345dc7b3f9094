// grant_memory: which grants of a mission were withdrawn, by crypto::grant_fingerprint. A grant in here is
// never honoured again, even if the log shows it once more.
#pragma once

#include "infra/json/value.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

// Where a mission's snapshot keeps it: an array of fingerprints.
inline constexpr std::string_view revoked_grants_key = "__revokedGrants";

// A mission with more withdrawn grants than this may use none at all: forgetting one would let it come back.
inline constexpr std::size_t max_revoked_grants = 4096;

class grant_memory {
public:
  // Of a mission's snapshot. What is no array of texts stands for a memory that was lost: all are revoked.
  static grant_memory of(const json::value& snapshot);

  bool holds(std::string_view fingerprint) const;
  void add(std::string_view fingerprint);
  void add_all(const grant_memory& other);

  bool empty() const noexcept { return revoked_.empty(); }
  json::value to_json() const;
  // What is in here and not in `before`.
  std::vector<std::string> since(const grant_memory& before) const;

  friend bool operator==(const grant_memory&, const grant_memory&) = default;

private:
  bool full() const noexcept { return revoked_.size() > max_revoked_grants; }
  // One entry beyond the limit stands for "all of them".
  std::set<std::string, std::less<>> revoked_;
};

// What is known of a mission's grants at one point of its history.
struct grant_state {
  grant_memory revoked;
  std::optional<std::string> in_force; // fingerprint; none: the mission is deleted or has no grant
};

} // namespace mana
