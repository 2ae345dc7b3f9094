// llm_proxy: LLM calls of users' own tabs. They go through the llm_client like those of planners; what a user may ask
// besides is limited here, and the user's tokens of the day pay for it.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/chat_prompt.hpp"
#include "messages/ids.hpp"
#include "messages/llm_client.hpp"
#include "messages/span.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>

namespace mana {

struct user_chat {
  user_id user;
  std::shared_ptr<const chat_prompt> prompt;
  span_context trace{};      // of the request
  std::string trace_state{}; // that came with it, to be passed on; may be empty
};

using llm_proxy_actor = caf::typed_actor<
    // rate_limited, token_budget_spent (see retry_after.hpp); overloaded; llm_* errors; database_* errors, when the
    // tokens could not be set aside: nothing was asked. When the requester ends, its calls are aborted. The deadlines
    // are those of the database and of the llm_client, so a requester waits without one of its own.
    caf::replies_to<user_chat>::with<chat_answer>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::user_chat)
