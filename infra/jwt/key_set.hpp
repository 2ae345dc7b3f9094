// A JSON Web Key Set (RFC 7517) of Ed25519 public keys: read from an issuer, or written for ours.
#pragma once

#include "infra/crypto/signing_keys.hpp"
#include "messages/result.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace mana::jwt {

inline constexpr std::size_t max_key_set_bytes = 64 * 1024;
inline constexpr std::size_t max_keys = 32;

class key_set {
public:
  // Takes the OKP / Ed25519 keys that may verify signatures and have a kid; all others are passed over,
  // also those with the kid of an earlier one. limit_exceeded: too large, or more than max_keys usable
  // keys; json_malformed: not `{"keys": […]}`.
  static result<key_set> parse(std::string_view text);
  static key_set of(std::span<const crypto::signing_key> keys);

  // nullptr: not in the set.
  const crypto::ed25519_public* find(std::string_view kid) const;
  std::size_t size() const { return keys_.size(); }

private:
  std::map<std::string, crypto::ed25519_public, std::less<>> keys_;
};

// `{"keys":[{kty, crv, x, kid, alg, use}]}` with the public halves.
std::string to_jwks(std::span<const crypto::signing_key> keys);

} // namespace mana::jwt
