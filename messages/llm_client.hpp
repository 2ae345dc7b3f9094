// llm_client: chat completions from an OpenAI-compatible endpoint. The client owns all deadlines,
// retries and limits, so a requester waits without a timeout of its own; when the requester ends,
// its calls are aborted.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/chat_prompt.hpp"
#include "messages/ids.hpp"
#include "messages/span.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mana {

struct chat_call {
  std::shared_ptr<const chat_prompt> prompt;
  user_id user; // whose call it is: users take turns when calls have to wait
  // The span that asks; each attempt is a child of it, and tells the endpoint so.
  span_context trace{};
  std::string trace_state{}; // for the endpoint, see infra/tracing/trace_context.hpp; may be empty
};

struct chat_answer {
  std::string content;                 // choices[0].message.content
  unsigned http_calls = 0;             // requests sent for it, retries included
  std::chrono::milliseconds waited{0}; // in the queue for a free place
  std::int64_t prompt_tokens = 0;      // from `usage`; 0 when absent
  std::int64_t completion_tokens = 0;
};

struct get_llm_status {};
struct llm_endpoint_status {
  enum class circuit_phase : std::uint8_t { closed, half_open, open };
  circuit_phase circuit = circuit_phase::closed;
  std::size_t limit = 0; // of calls in flight, as adapted
  std::size_t in_flight = 0;
};
struct llm_status {
  bool circuit_open = false; // no endpoint takes calls, nor will one before a call's deadline
  std::size_t in_flight = 0;
  std::size_t waiting = 0;
  std::vector<llm_endpoint_status> endpoints; // in the order of their priority
};

using llm_client_actor = caf::typed_actor<
    // llm_* errors; cancelled when the client stops. The detail of llm_rate_limited, llm_circuit_open and
    // llm_retries_spent holds `retry_after=<seconds>`, maybe with three decimals: when to come back.
    caf::replies_to<chat_call>::with<chat_answer>, caf::replies_to<get_llm_status>::with<llm_status>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::chat_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::chat_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::get_llm_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::llm_status)
