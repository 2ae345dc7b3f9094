// A model's answer becomes a plan, or is rejected as a whole.
//
// The plan is the first fenced block marked `json` or not marked at all, else the whole text:
//   {"summary"?, "steps": [{"summary"?, "toolName", "params"?, "rationale"}]}
// A step without a summary is summarised by its tool's name, one without params has none.
//
// Every failure is plan_rejected. Its detail (`steps[1].toolName: unknown tool`) names step and
// field; of the answer it quotes nothing but names that the catalogue knows.
#pragma once

#include "actors/mission/plan.hpp"
#include "actors/planner/tool_catalogue.hpp"
#include "messages/result.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

namespace mana {

inline constexpr std::size_t max_answer_bytes = 256 * 1024;
inline constexpr std::size_t max_plan_steps = 25;
// In code points.
inline constexpr std::size_t max_summary_length = 2000;
inline constexpr std::size_t max_rationale_length = 2000;
inline constexpr std::size_t max_param_length = 4000;

// Shape and limits, with `is_known` deciding about tool names; says nothing about what is in params.
result<plan> parse_plan_structure(std::string_view answer, const std::function<bool(std::string_view)>& is_known);

// The first parameter that is unknown, missing, blank though required, too long, or of a wrong type.
std::optional<failure> check_parameters(const plan& p, const tool_catalogue& tools);

// Both of them: what a run accepts.
result<plan> parse_plan(std::string_view answer, const tool_catalogue& tools);

} // namespace mana
