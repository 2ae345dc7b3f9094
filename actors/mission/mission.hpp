// A mission as the runner sees it: what contract section 3 calls `aiMissions`, read leniently.
#pragma once

#include "infra/json/value.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mana {

// A record the user gave the mission to read.
struct input_ref {
  std::string module;
  std::string table;
  std::string id;
  friend bool operator==(const input_ref&, const input_ref&) = default;
};

struct mission {
  mission_id id;
  std::string title;
  std::string objective;
  std::string concept_markdown;
  std::string state;
  std::string time_zone; // IANA name; empty: the service's default
  std::vector<input_ref> inputs;
  json::value cadence; // an object, or null
  std::optional<timestamp> next_run_at;
  bool deleted = false;
  bool has_grant = false;
  json::array iterations; // objects only
};

inline constexpr std::size_t max_inputs = 200;

// Never fails: what is missing or of a wrong type reads as empty, an input without module, table
// and id is skipped, inputs beyond max_inputs are cut, a `nextRunAt` that is no time is none.
mission read_mission(const json::value& record);

} // namespace mana
