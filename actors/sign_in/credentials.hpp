// What may be a name and a password, and whose attempts are counted together. Pure.
#pragma once

#include "messages/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mana {

inline constexpr std::size_t max_name_characters = 64;
inline constexpr std::size_t min_password_bytes = 8;
inline constexpr std::size_t max_password_bytes = 200;

// Without blanks at its ends. bad_request: not 1 to 64 characters, or control characters among them.
// Names are equal when they differ in the case of ASCII letters only; the database compares them.
result<std::string> checked_name(std::string_view name);

// bad_request: not 8 to 200 bytes.
std::optional<failure> wrong_password_form(std::string_view password);

// The address whose attempts count together: of IPv6 the /64 network, since one client has all of it.
std::string limited_address(const std::string& address);

} // namespace mana
