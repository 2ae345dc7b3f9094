// When to come back after errc::rate_limited. A failure has nothing but a text, so the text has one
// form, which the HTTP front turns into Retry-After.
#pragma once

#include "messages/result.hpp"

#include <chrono>
#include <optional>

namespace mana {

// rate_limited; at least one second.
failure rate_limited_for(std::chrono::seconds wait);
// nullopt: not such a failure.
std::optional<std::chrono::seconds> retry_after(const failure& f);

} // namespace mana
