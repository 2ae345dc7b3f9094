// The runner's key pair: RSA, at least 2048 bits, OAEP with SHA-256 for hash and MGF1.
#pragma once

#include "infra/crypto/primitives.hpp"
#include "messages/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace mana::crypto {

struct pkey_free {
  void operator()(evp_pkey_st* key) const;
};
using pkey_ptr = std::unique_ptr<evp_pkey_st, pkey_free>;

class rsa_public_key {
public:
  // SPKI or PKCS#1 PEM; line breaks may be written as `\n`. config_invalid says what is wrong,
  // without a byte of the input.
  static result<rsa_public_key> parse(std::string_view pem);

  // First 16 hex digits of SHA-256 of the SPKI DER.
  const std::string& key_id() const { return key_id_; }
  // nullopt: the library failed.
  std::optional<bytes> wrap(const secret& key, byte_view label) const;

private:
  rsa_public_key(std::shared_ptr<evp_pkey_st> key, std::string id) : key_(std::move(key)), key_id_(std::move(id)) {}
  std::shared_ptr<evp_pkey_st> key_;
  std::string key_id_;
};

class rsa_private_key {
public:
  const std::string& key_id() const { return key_id_; }
  // nullopt: the key refuses (another key, another label, changed bytes), or no secure memory. About
  // 1.2 ms: never on an I/O loop. From any thread.
  std::optional<secret> unwrap(byte_view wrapped, byte_view label) const;

private:
  friend result<std::vector<rsa_private_key>> parse_private_keys(std::string_view pem);
  rsa_private_key(std::shared_ptr<evp_pkey_st> key, std::string id) : key_(std::move(key)), key_id_(std::move(id)) {}
  std::shared_ptr<evp_pkey_st> key_;
  std::string key_id_;
};

// One or more PKCS#8 or PKCS#1 PEM blocks, one after the other; `\n` may be written out. Empty text:
// no keys. config_invalid names the block (1, 2, …) and what is wrong with it.
result<std::vector<rsa_private_key>> parse_private_keys(std::string_view pem);

} // namespace mana::crypto
