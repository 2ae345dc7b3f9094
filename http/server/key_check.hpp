// Comparison of shared keys without telling by its duration how much of a guess was right.
#pragma once

#include "http/server/message.hpp"

#include <string_view>

namespace mana::http {

// Compares the SHA-256 of both, in constant time. An empty `expected` equals nothing: a key that is
// not configured never opens a route.
bool same_key(std::string_view given, std::string_view expected);

// Whether the request carries the key of internal routes, in X-Service-Key.
bool has_service_key(const request& req, std::string_view expected);
// 401 UNAUTHORIZED for those that do not.
response service_key_refused();

} // namespace mana::http
