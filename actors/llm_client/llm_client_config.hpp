// The settings of one llm_client, and what it tells about its work.
#pragma once

#include "actors/llm_client/chat_completion.hpp"
#include "actors/llm_client/circuit_breaker.hpp"
#include "actors/llm_client/retry_policy.hpp"
#include "infra/http_client/url.hpp"
#include "infra/tracing/tracer.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

struct llm_endpoint_config {
  std::string url;     // http(s)://host[:port][/base]; with or without /v1 at its end
  std::string api_key; // empty: no Authorization header; never sent to another endpoint
  std::string ca_file; // PEM; empty: the system's store
  std::string model;
};

struct llm_client_config {
  std::vector<llm_endpoint_config> endpoints; // at least one; the first that takes calls gets them
  double temperature = 0.2;
  int max_tokens = 4096;
  bool json_response_format = false;
  std::chrono::milliseconds connect_timeout{5'000};     // per attempt: resolve, connect, TLS
  std::chrono::milliseconds first_byte_timeout{60'000}; // per attempt
  std::chrono::milliseconds total_timeout{120'000};     // all attempts, from the first place in flight
  // How long a call waits for a place at an endpoint that is well, before it may go to the next one.
  std::chrono::milliseconds pass_busy_after{5'000};
  std::size_t max_in_flight = 2'000; // per endpoint
  std::size_t max_waiting = 10'000;
  std::size_t max_response_bytes = 1u << 20;
  retry_rules retry;
  circuit_rules circuit;
};

// Every value out of range at once, by name; errc::config_invalid. In the order of the endpoints.
result<std::vector<net::origin>> check(const llm_client_config& cfg);

// An HTTP attempt that ended.
struct llm_attempt {
  std::string_view what; // one of attempt_class's names
  std::chrono::nanoseconds took{0};
  started_span span;
  std::size_t endpoint = 0; // from 0
  unsigned retry = 0;       // how many attempts of the same call came before
  unsigned status = 0;      // of HTTP; 0: there was no answer
  std::optional<errc> error;
  std::int64_t prompt_tokens = 0; // as in chat_answer
  std::int64_t completion_tokens = 0;
};

// Called on the loop's thread.
struct llm_observer {
  tracing::tracer tracer;                          // starts the spans that `attempt` ends
  std::function<void(const llm_attempt&)> attempt; // once per HTTP attempt
  // A call goes to an endpoint that is not the first; from 0.
  std::function<void(std::size_t endpoint)> failed_over;
  std::function<void()> retries_spent;
};

} // namespace mana
