// The LLM stand-in: a rule-based planner behind the OpenAI-compatible API, for demos, tests and
// benchmarks. Every response says so in `X-LLM-Standin: true`.
//
//   POST /v1/chat/completions   a completion, or one of the faults of the options
//   GET  /standin/stats         `{standin, calls, ok, error, malformed, hang, cut, rateLimited,
//                               badRequest, inFlight, maxInFlight}`
//   GET  /health                unless the router has one already
#pragma once

#include "http/server/router.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mana::http {

// Rates are shares of all calls and add up to at most 1; the rest is answered well.
struct llm_standin_options {
  std::chrono::milliseconds latency{0}; // before every answer, faults included
  double error_rate = 0;                // 500
  double malformed_rate = 0;            // a completion whose content is no plan
  double hang_rate = 0;                 // no answer until the client closes
  double cut_rate = 0;                  // the connection ends within the body
  double rate_limit_rate = 0;           // 429 with Retry-After: 1
  std::uint64_t seed = 1;               // the same seed gives the same sequence
};

// Of actors/llm_standin/rule_planner.hpp.
struct rule_planner {
  std::function<std::string(std::string_view user_prompt)> plan_for;
  std::function<result<std::string>(std::string_view request_body)> user_message_of;
  std::function<std::string(std::string_view content, std::string_view model)> completion_json;
};

enum class standin_outcome : std::uint8_t { ok, error, malformed, hang, cut, rate_limited };

// `random` from [0, 1).
standin_outcome choose_outcome(const llm_standin_options& options, double random) noexcept;

// All requests must come through one io_loop.
void add_llm_standin_routes(router& r, const llm_standin_options& options, rule_planner planner);

} // namespace mana::http
