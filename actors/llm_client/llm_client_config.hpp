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

namespace mana {

struct llm_client_config {
  std::string url;     // http(s)://host[:port][/base]; with or without /v1 at its end
  std::string api_key; // empty: no Authorization header
  std::string ca_file; // PEM; empty: the system's store
  std::string model;
  double temperature = 0.2;
  int max_tokens = 4096;
  bool json_response_format = false;
  std::chrono::milliseconds connect_timeout{5'000};     // per attempt: resolve, connect, TLS
  std::chrono::milliseconds first_byte_timeout{60'000}; // per attempt
  std::chrono::milliseconds total_timeout{120'000};     // all attempts, from the first place in flight
  std::size_t max_in_flight = 2'000;
  std::size_t max_waiting = 10'000;
  std::size_t max_response_bytes = 1u << 20;
  retry_rules retry;
  circuit_rules circuit;
};

// Every value out of range at once, by name; errc::config_invalid.
result<net::origin> check(const llm_client_config& cfg);

// Called on the loop's thread, once per HTTP attempt, with one of attempt_class's names.
struct llm_observer {
  std::function<void(std::string_view outcome_class, std::chrono::nanoseconds took)> attempt;
};

} // namespace mana
