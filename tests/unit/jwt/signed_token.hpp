// Keys, and tokens with any header and payload: for tests and for fuzzing.
#pragma once

#include "infra/crypto/base64.hpp"
#include "infra/crypto/signing_keys.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <string>
#include <string_view>

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

// A token with any header and payload, signed well.
inline std::string signed_token(const crypto::signing_key& key, std::string_view header, std::string_view payload) {
  auto text = crypto::to_base64url(crypto::as_bytes(header)) + '.' + crypto::to_base64url(crypto::as_bytes(payload));
  return text + '.' + crypto::to_base64url(*key.sign(crypto::as_bytes(text)));
}

inline std::string header_for(const crypto::signing_key& key) {
  return R"({"alg":"EdDSA","kid":")" + key.key_id() + R"("})";
}

} // namespace mana::testing
