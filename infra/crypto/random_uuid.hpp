#pragma once

#include <string>
#include <string_view>

namespace mana {

// A random (version 4) UUID from OpenSSL's generator, as lower-case text.
std::string random_uuid();

// A UUID of any version in the one form that the database gives it back in: 36 characters, lower case.
bool is_uuid(std::string_view text) noexcept;

} // namespace mana
