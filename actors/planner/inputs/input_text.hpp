// Input records of a mission as text for the prompt. Each kind of input is one input_module: where its
// records are, which of their fields may be encrypted, and how they read. Lines of a text, each only when the
// record has what it says:
//
//   goals       Titel: · Stand: <current> / <target> [<unit>], `unbekannt` for the one missing · Zeitraum:
//   notes       Titel: · the content
//   tasks, todo Titel: · Status: offen|erledigt · Fällig: · Priorität: · Beschreibung:
//   calendar    Titel: · Beginn: · Ende: (both from the event's time block) · Ort: · Beschreibung:
//   journal     Titel: · the content
//   kontext     the content
#pragma once

#include "actors/mission/mission.hpp"
#include "actors/planner/inputs/readable_record.hpp"
#include "actors/planner/text.hpp"
#include "messages/record_reader.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mana {

// Code points of a text, a final ellipsis not counted.
inline constexpr std::size_t max_input_length = 500;
inline constexpr std::size_t max_kontext_length = 1500;

// Words of these texts, for who reads one back.
inline constexpr std::string_view goal_heading = "Ziel";
inline constexpr std::string_view note_heading = "Notiz";
inline constexpr std::string_view task_heading = "Aufgabe";
inline constexpr std::string_view title_label = "Titel: ";
inline constexpr std::string_view task_status_label = "Status: ";
inline constexpr std::string_view task_open = "offen";
inline constexpr std::string_view task_done = "erledigt";
inline constexpr std::string_view task_due_label = "Fällig: ";
inline constexpr std::string_view goal_progress_label = "Stand: ";
inline constexpr std::string_view goal_period_label = "Zeitraum: ";

struct input_module {
  std::string_view name; // `module` of the mission's input, which alone decides: its `table` may say otherwise
  std::string_view app;
  std::string_view table;
  std::string_view only_record; // of a table with one record; empty: the input's id names the record
  // Fields that the text uses and that may be encrypted; none: the table is plaintext and needs no grant.
  std::span<const std::string_view> encrypted_fields;
  const record_link* link = nullptr; // a record to read along
  std::string_view heading;
  std::size_t max_length = max_input_length;
  // Empty: there is nothing to show.
  sensitive_text (*render)(const readable_record&) = nullptr;
};

// By name; nullptr for modules that are not resolved.
const input_module* find_input_module(std::string_view name);

// The record an input means; nullopt for an input without an id or of an unknown module.
std::optional<record_ref> locate_input(const input_ref& input);

struct resolved_input {
  std::string heading; // what kind of record this is, in words of ours
  sensitive_text text; // the user's data, cut to its limit
  friend bool operator==(const resolved_input&, const resolved_input&) = default;
};

// nullopt when nothing of the record can be shown, or it is deleted.
std::optional<resolved_input> resolve_input(const input_module& module, const readable_record& record);

} // namespace mana
