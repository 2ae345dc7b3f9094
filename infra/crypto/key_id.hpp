// The name of a key pair, which both halves give alike.
#pragma once

#include <optional>
#include <string>

struct evp_pkey_st;

namespace mana::crypto {

// First 16 hex digits of SHA-256 of the SPKI DER; nullopt: the key has no public part.
std::optional<std::string> key_id_of(evp_pkey_st* key);

} // namespace mana::crypto
