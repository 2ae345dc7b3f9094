// Ed25519 (RFC 8032): signatures of tokens and of audit heads.
#pragma once

#include "infra/crypto/rsa_keys.hpp"

#include <array>

namespace mana::crypto {

using ed25519_public = std::array<unsigned char, 32>;
using ed25519_signature = std::array<unsigned char, 64>;

// From any thread. False also for a public key that is no point.
bool ed25519_verify(const ed25519_public& key, byte_view message, byte_view signature);

class signing_key {
public:
  // First 16 hex digits of SHA-256 of the SPKI DER.
  const std::string& key_id() const { return key_id_; }
  const ed25519_public& public_key() const { return public_; }
  std::optional<ed25519_signature> sign(byte_view message) const;

private:
  friend result<std::vector<signing_key>> parse_signing_keys(std::string_view pem);
  signing_key(std::shared_ptr<evp_pkey_st> key, ed25519_public pub, std::string id)
    : key_(std::move(key)), public_(pub), key_id_(std::move(id)) {}
  std::shared_ptr<evp_pkey_st> key_;
  ed25519_public public_{};
  std::string key_id_;
};

// One or more PKCS#8 PEM blocks of Ed25519 keys, like parse_private_keys(). The first one signs, all
// are published.
result<std::vector<signing_key>> parse_signing_keys(std::string_view pem);

} // namespace mana::crypto
