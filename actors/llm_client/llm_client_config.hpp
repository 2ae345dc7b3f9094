// The settings of one llm_client, and what it tells about its work.
#pragma once

#include "actors/llm_client/chat_completion.hpp"
#include "actors/llm_client/circuit_breaker.hpp"
#include "actors/llm_client/retry_policy.hpp"
#include "infra/http_client/url.hpp"

#include <chrono>
#include <functional>
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

// Called on the loop's thread.
struct llm_observer {
  // Once per HTTP attempt, with one of attempt_class's names.
  std::function<void(std::string_view outcome_class, std::chrono::nanoseconds took)> attempt;
  // A call goes to an endpoint that is not the first; from 0.
  std::function<void(std::size_t endpoint)> failed_over;
  std::function<void()> retries_spent;
};

} // namespace mana
