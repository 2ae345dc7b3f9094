// Bodies of `POST /api/v1/me/llm/chat/completions`. The text in them may be a user's decrypted records: it is read and
// written in buffers that are cleansed, and no failure quotes it. Pure.
#pragma once

#include "messages/chat_prompt.hpp"
#include "messages/llm_client.hpp"
#include "messages/result.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace mana::http {

struct chat_rules {
  std::size_t max_body_bytes = 256 * 1024;
  std::size_t max_messages = 64;
  double max_temperature = 2;
  int max_tokens = 2'000; // what asks for more gets so many
};

// `{messages:[{role: system|user|assistant, content}], temperature?, max_tokens?}` and nothing else. Overwrites the
// body. bad_request names the field (`messages[2].role`), limit_exceeded a body that is too large.
result<std::shared_ptr<const chat_prompt>> take_chat_request(std::string& body, const chat_rules& rules);

// `{choices:[{index, message:{role, content}, finish_reason}], usage?:{…}}`; overwrites the answer's content.
sensitive_text take_chat_answer(chat_answer& answer);

} // namespace mana::http
