// retry_policy: whether and when a failed attempt is repeated. Pure.
#pragma once

#include "messages/result.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

namespace mana {

// An attempt that failed.
struct attempt_failure {
  failure why; // the call's error, should it end with this attempt
  bool retryable = false;
  std::optional<std::chrono::seconds> retry_after;
  bool retryable_elsewhere = false; // even when not at the same endpoint
};

struct retry_rules {
  unsigned max_attempts = 4; // the first one included
  std::chrono::milliseconds backoff_base{500};
  std::chrono::milliseconds backoff_max{20'000};
};

struct retry_in {
  std::chrono::milliseconds delay{0};
};
using retry_decision = std::variant<retry_in, failure>;

// What a retry could do.
struct retry_chances {
  std::chrono::milliseconds left{0}; // until the call's total deadline
  bool affordable = true;            // see retry_budget
  bool elsewhere = false;            // another endpoint takes calls
  double random = 0;                 // in [0, 1)
};

// After `attempts_made` (1 = the first failed):
//  - Another endpoint is asked at once: it has nothing to recover from.
//  - Exponential backoff with full jitter: random * min(max, base * 2^(attempts_made - 1)).
//  - Retry-After is a lower bound, with the backoff on top: otherwise all callers that were told
//    the same second would come back in it. If it reaches beyond the deadline, the call ends now
//    as llm_rate_limited, detail "… retry_after=<seconds>"; the backoff on top never causes that.
//  - A backoff that would end after the deadline ends the call now, with the attempt's own error.
//  - Where only the budget forbids a retry, the call ends as llm_retries_spent; but an answer that is none
//    stays llm_answer_invalid: it is the model's doing, and no pause makes it better.
retry_decision decide_retry(const retry_rules& rules, unsigned attempts_made, const attempt_failure& problem,
                            const retry_chances& chances);

// The Retry-After header (RFC 9110, 10.2.3): seconds, or a date as IMF-fixdate, the only form that
// may be generated today. 0 for a past date; at most 30 days; nullopt when absent or neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view header, std::chrono::sys_seconds now);

} // namespace mana
