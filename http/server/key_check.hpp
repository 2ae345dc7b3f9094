// Comparison of shared keys without telling by its duration how much of a guess was right.
#pragma once

#include <string_view>

namespace mana::http {

// Compares the SHA-256 of both, in constant time. An empty `expected` equals nothing: a key that is
// not configured never opens a route.
bool same_key(std::string_view given, std::string_view expected);

} // namespace mana::http
