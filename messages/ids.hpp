// Identifiers as types of their own, so that a user is never passed where a mission is meant.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace mana {

// The owner of missions and records: `sync_changes.user_id`. Opaque text, never empty.
struct user_id {
  std::string value;
  friend auto operator<=>(const user_id&, const user_id&) = default;
};

// A mission: `sync_changes.record_id` of table `aiMissions`. Unique per user only.
struct mission_id {
  std::string value;
  friend auto operator<=>(const mission_id&, const mission_id&) = default;
};

// A mission with its owner: the key of everything the runner stores.
struct mission_key {
  user_id user;
  mission_id mission;
  friend auto operator<=>(const mission_key&, const mission_key&) = default;
};

// The fencing token of one claim (UUID text). Every write that ends a run must match it.
struct lease_token {
  std::string value;
  friend auto operator<=>(const lease_token&, const lease_token&) = default;
};

// A claim this replica holds.
struct lease {
  mission_key key;
  lease_token token;
  friend auto operator<=>(const lease&, const lease&) = default;
};

} // namespace mana

template <>
struct std::hash<mana::user_id> {
  std::size_t operator()(const mana::user_id& x) const noexcept { return std::hash<std::string>{}(x.value); }
};
template <>
struct std::hash<mana::mission_key> {
  std::size_t operator()(const mana::mission_key& x) const noexcept {
    auto h = std::hash<std::string>{};
    return h(x.user.value) * 31 + h(x.mission.value);
  }
};
template <>
struct std::hash<mana::lease_token> {
  std::size_t operator()(const mana::lease_token& x) const noexcept { return std::hash<std::string>{}(x.value); }
};
