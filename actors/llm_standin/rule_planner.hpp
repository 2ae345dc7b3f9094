// The stand-in's brain: plans by rules from a prompt of ours (actors/planner/prompt.hpp), and speaks
// the OpenAI chat completion format. Deterministic.
#pragma once

#include "messages/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mana {

inline constexpr std::size_t max_completion_request_bytes = 4 * 1024 * 1024;

// A fenced JSON plan, German: one `create_task` per goal in the prompt that is below its target, at
// most as many as a plan may have; none when there is nothing to do or the prompt is another's. The
// summary says that this is the stand-in.
std::string plan_for(std::string_view user_prompt);

// The text of the last message with role `user`; of a message in parts, the text parts together.
// limit_exceeded, json_malformed, bad_request.
result<std::string> user_message_of(std::string_view request_body);

// What was asked for in `model`; empty when the body names none.
std::string model_of(std::string_view request_body);

// A `chat.completion` body. `created` in seconds since the epoch; `prompt_bytes` is the size of the
// prompt. `usage` counts four bytes as a token.
std::string completion_json(std::string_view content, std::string_view model, std::size_t prompt_bytes = 0,
                            std::int64_t created = 0);

} // namespace mana
