// attempt: what one HTTP attempt of a chat call meant. Pure.
#pragma once

#include "actors/llm_client/chat_completion.hpp"
#include "actors/llm_client/circuit_breaker.hpp"
#include "actors/llm_client/retry_policy.hpp"
#include "infra/http_client/exchange.hpp"

#include <chrono>
#include <string_view>
#include <variant>

namespace mana {

// The classes of metrics. Bounded; to_string() gives the label.
enum class attempt_class : std::uint8_t {
  ok,
  refused_4xx,  // any status that is neither 2xx, 408, 429 nor 5xx
  rate_limited, // 429
  server_error, // 5xx
  timeout,      // first-byte or total deadline, or 408
  connect,      // no connection, for whatever reason
  transport,    // broken connection, or no HTTP
  invalid,      // 2xx, but no chat completion
  too_large,
  cancelled
};
std::string_view to_string(attempt_class c) noexcept;

struct attempt_report {
  attempt_class what = attempt_class::ok;
  circuit_event for_circuit = circuit_event::success;
  std::variant<completion, attempt_failure> outcome;
};

// `now` is what a Retry-After date is compared with.
attempt_report judge(const net::http_response& response, std::chrono::sys_seconds now);

// Whether the provider got a call that helped nobody: what the retry budget pays for. Refusals of a
// call's own content and what we cancelled ourselves are not.
bool is_wasted(attempt_class c) noexcept;

} // namespace mana
