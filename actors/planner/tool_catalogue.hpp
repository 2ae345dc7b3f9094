// The tools a plan may propose. One catalogue for the runner and the browser app:
// `messages/tool_catalogue.json`; what may be done with a tool is in `messages/tool_policy.json`.
//   catalogue  {"tools": [{name, module, description, parameters: [
//                {name, type: "string"|"date"|"datetime"|"enum", values?, required, description}]}]}
//   policy     {"policies": [{tool, policy: "auto"|"propose"|"deny"}]}
// Descriptions are German, they go into the prompt.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

enum class parameter_type : std::uint8_t {
  string,
  date,     // YYYY-MM-DD
  datetime, // ISO 8601: `YYYY-MM-DDTHH:MM[:SS[.fraction]]`, then `Z`, an offset, or nothing (local)
  one_of,   // "enum": one of `values`
};

enum class tool_policy : std::uint8_t {
  automatic, // "auto": done by the app without asking
  propose,   // done when the user approves it: the only kind a plan may hold
  deny,
};

struct tool_parameter {
  std::string name;
  parameter_type type = parameter_type::string;
  bool required = false;
  std::string description;
  std::vector<std::string> values; // of one_of
};

struct tool {
  std::string name;
  std::string module;
  std::string description;
  std::vector<tool_parameter> parameters;
  tool_policy policy = tool_policy::deny;
};

struct tool_catalogue {
  std::vector<tool> tools;

  // The tool when plans may propose it; nullptr when it is unknown or its policy is another.
  const tool* find_proposable(std::string_view name) const noexcept;
};

// config_invalid: malformed, duplicate names, unknown types or policies; when the two disagree, the
// detail lists the names that the policy lacks and those it has too many.
result<tool_catalogue> load_tool_catalogue(std::string_view catalogue_json, std::string_view policy_json);

// The two files this binary was built from.
result<tool_catalogue> load_embedded_tool_catalogue();

} // namespace mana
