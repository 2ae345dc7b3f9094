// chat_completion: the bodies of OpenAI's `POST /v1/chat/completions`, as far as they are used here
// (contract 5). Pure.
#pragma once

#include "messages/chat_prompt.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mana {

struct chat_options {
  std::string model;
  double temperature = 0.2;
  int max_tokens = 4096;
  bool json_response_format = false; // adds response_format {"type":"json_object"}
};

// {model, temperature, max_tokens, messages, response_format?}; what the prompt itself asks for comes before the
// options.
sensitive_text completion_request(const chat_options& options, const chat_prompt& prompt);

struct completion {
  std::string content;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// choices[0].message.content must be a string; `usage` may be absent. errc::llm_answer_invalid, the
// detail names the field.
result<completion> parse_completion(std::string_view body);

// The path below a base URL's path, which may end in /v1 itself.
std::string completion_path(std::string_view base);

} // namespace mana
