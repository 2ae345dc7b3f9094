// When to come back after a 429. A failure has nothing but a text, so the text ends in one form, which the HTTP front
// turns into Retry-After.
#pragma once

#include "messages/result.hpp"

#include <chrono>
#include <optional>

namespace mana {

// Both: at least one second.
failure rate_limited_for(std::chrono::seconds wait);
failure token_budget_spent_for(std::chrono::seconds wait);
// nullopt: not such a failure.
std::optional<std::chrono::seconds> retry_after(const failure& f);

} // namespace mana
