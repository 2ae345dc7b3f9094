// Base64 (RFC 4648), strictly: no blanks, no other alphabet, unused bits zero. The standard alphabet is
// read with or without its padding (never with a part of it), the URL alphabet without.
#pragma once

#include "infra/crypto/secret.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mana::crypto {

std::string to_base64(byte_view data);
std::optional<bytes> from_base64(std::string_view text);
// Straight into secure memory; nullopt also when that is full.
std::optional<secret> secret_from_base64(std::string_view text);
sensitive_text to_base64(const secret& key);

std::string to_base64url(byte_view data);
std::optional<bytes> from_base64url(std::string_view text);

std::string to_hex(byte_view data); // lower case

} // namespace mana::crypto
