// Keys and tokens for tests, among them tokens that no issuer would write.
#pragma once

#include "infra/crypto/base64.hpp"
#include "infra/crypto/signing_keys.hpp"
#include "infra/json/value.hpp"
#include "infra/jwt/token.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mana::testing {

inline std::string ed25519_pem() {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                                          EVP_PKEY_free};
  std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), BIO_free};
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

inline crypto::signing_key fresh_signing_key() {
  auto keys = crypto::parse_signing_keys(ed25519_pem());
  EXPECT_TRUE(keys);
  return keys->front();
}

// A token with any header and payload, signed well.
inline std::string signed_token(const crypto::signing_key& key, std::string_view header, std::string_view payload) {
  auto text = crypto::to_base64url(crypto::as_bytes(header)) + '.' + crypto::to_base64url(crypto::as_bytes(payload));
  return text + '.' + crypto::to_base64url(*key.sign(crypto::as_bytes(text)));
}

inline std::string header_for(const crypto::signing_key& key) {
  return R"({"alg":"EdDSA","kid":")" + key.key_id() + R"("})";
}

// A token as the issuer writes it.
inline std::string token_for(const crypto::signing_key& key, const std::string& user, timestamp now,
                             std::chrono::milliseconds ttl = std::chrono::minutes{15}) {
  auto token = jwt::sign(key, {user, "https://issuer.test", "mana", now, now + ttl});
  EXPECT_TRUE(token);
  return *token;
}

inline jwt::expectations test_expectations() { return {{"https://issuer.test"}, "mana"}; }

} // namespace mana::testing
