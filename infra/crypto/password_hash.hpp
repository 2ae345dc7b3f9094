// Passwords as they are stored: scrypt (RFC 7914) in the PHC string form,
// `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, base64 without padding. One call takes about 0.1 s of a core
// and 32 MiB, on purpose: never on a thread that others wait for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mana::crypto {

// With a fresh salt of 16 bytes. nullopt: the library failed, or there is no memory.
std::optional<std::string> hash_password(std::string_view password);

// Compared in constant time. False also for an `encoded` that is no such hash, or one whose cost is out
// of bounds; nullopt: the library failed, or there is no memory.
std::optional<bool> password_matches(std::string_view password, std::string_view encoded);

// Takes as long as password_matches(): for a name that nobody has.
void spend_time_of_a_match(std::string_view password);

} // namespace mana::crypto
