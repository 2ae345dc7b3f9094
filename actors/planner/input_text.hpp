// Input records of a mission as text for the prompt.
//
// Goals (module `goals`, plaintext records of app `companion`) read as
//   Titel: <title>
//   Stand: <current> / <target> [<unit>]     `unbekannt` for the one that is missing
//   Zeitraum: <period>
// each on a line of its own; the last two only when the record has them.
#pragma once

#include "actors/mission/mission.hpp"
#include "actors/planner/text.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mana {

inline constexpr std::size_t max_input_length = 500; // code points, a final ellipsis not counted

// The words above, for who reads such a text back.
inline constexpr std::string_view goal_heading = "Ziel";
inline constexpr std::string_view goal_title_label = "Titel: ";
inline constexpr std::string_view goal_progress_label = "Stand: ";
inline constexpr std::string_view goal_period_label = "Zeitraum: ";

// Where the log keeps an input; the record's id is the input's own.
struct input_place {
  std::string_view app;
  std::string_view table;
  friend bool operator==(const input_place&, const input_place&) = default;
};

// By module; nullopt for modules that are not resolved, and for an input without an id.
std::optional<input_place> locate_input(const input_ref& input);

struct resolved_input {
  std::string heading; // what kind of record this is, in words of ours
  std::string text;    // the user's data, cut to its limit
  friend bool operator==(const resolved_input&, const resolved_input&) = default;
};

// nullopt when there is nothing to show: the record is deleted, encrypted, without a title, of
// another module, or no JSON object.
std::optional<resolved_input> resolve_input(const input_ref& input, std::string_view record_json);

} // namespace mana
