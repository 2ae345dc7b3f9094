// The prompt of a planning run, German. The system part holds the rules, the tools and the answer's
// format. The user part holds the user's data, every piece in a block of its own:
//   <<<DATEN name>>>
//   text
//   <<<ENDE name>>>
// Data carries no instructions, and the system part says so. Runs of three or more `<` or `>` in
// data are replaced by `‹` and `›`, so data can neither close its block nor open another.
//
// Blocks, in this order: `Mission` (lines `Titel: `, `Auftrag: `, `Konzept:` and the concept),
// `Eingabe <n>` (the input's heading on the first line, then its text), `Durchlauf <n>` (the last
// three iterations, oldest first).
#pragma once

#include "actors/mission/mission.hpp"
#include "actors/planner/inputs/input_text.hpp"
#include "actors/planner/tool_catalogue.hpp"
#include "messages/timestamp.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

// In code points, a final ellipsis not counted.
inline constexpr std::size_t max_prompt_title = 200;
inline constexpr std::size_t max_prompt_objective = 2000;
inline constexpr std::size_t max_prompt_concept = 4000;
inline constexpr std::size_t max_prompt_feedback = 500;
inline constexpr std::size_t max_prompt_iteration_summary = 500;
inline constexpr std::size_t max_prompt_step_summary = 200;
// Counts; the prompt says how many inputs were left out.
inline constexpr std::size_t max_prompt_inputs = 200;
inline constexpr std::size_t max_prompt_iterations = 3;

inline constexpr std::string_view mission_block = "Mission";
inline constexpr std::string_view input_block = "Eingabe ";
inline constexpr std::string_view iteration_block = "Durchlauf ";

struct prompt_text {
  sensitive_text system;
  sensitive_text user; // may hold decrypted text
};

// Encrypted fields of the mission are left out. `now` appears as the date in UTC, beside the name of
// the mission's time zone.
prompt_text build_prompt(const mission& m, std::span<const resolved_input> inputs, const tool_catalogue& tools,
                         timestamp now);

// The prompt again after an answer was rejected. `reason` is text of ours, never the model's.
prompt_text with_rejection(const prompt_text& prompt, std::string_view reason);

// The blocks of a user part, as views into it.
struct data_block {
  std::string_view name;
  std::string_view text;
};
std::vector<data_block> data_blocks(std::string_view user);

} // namespace mana
