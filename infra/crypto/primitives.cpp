#include "infra/crypto/primitives.hpp"

#include "infra/crypto/openssl_handles.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <climits>

namespace mana::crypto {

namespace {

// Fetched once per process: looking it up by name costs as much as opening a short value.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

bool fits_openssl(byte_view v) { return v.size() <= INT_MAX - tag_bytes; }

bool is_usable(byte_view key, byte_view nonce, byte_view aad, byte_view data) {
  return key.size() == key_bytes && nonce.size() == nonce_bytes && fits_openssl(aad) && fits_openssl(data);
}

// The library takes an empty part for a request of another kind: it is left out.
bool add_aad(EVP_CIPHER_CTX* c, byte_view aad) {
  int n = 0;
  return aad.empty() || EVP_CipherUpdate(c, nullptr, &n, aad.data(), static_cast<int>(aad.size())) == 1;
}
bool transform(EVP_CIPHER_CTX* c, byte_view in, unsigned char* out) {
  int n = 0;
  return in.empty() || EVP_CipherUpdate(c, out, &n, in.data(), static_cast<int>(in.size())) == 1;
}

// A context per call: one that is kept holds the key schedule, which begins with the key itself.
bool decrypt(byte_view key, byte_view nonce, byte_view aad, byte_view sealed, unsigned char* out) {
  auto ciphertext = sealed.first(sealed.size() - tag_bytes);
  auto tag = sealed.last(tag_bytes);
  cipher_context c{EVP_CIPHER_CTX_new()};
  unsigned char nothing[tag_bytes]; // GCM writes no last block
  int n = 0;
  return c != nullptr && EVP_DecryptInit_ex2(c.get(), aes_256_gcm(), key.data(), nonce.data(), nullptr) == 1
         && EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, const_cast<unsigned char*>(tag.data())) == 1
         && add_aad(c.get(), aad) && transform(c.get(), ciphertext, out)
         && EVP_DecryptFinal_ex(c.get(), nothing, &n) == 1;
}

bool hmac_sha256(byte_view key, byte_view data, unsigned char* out) {
  if (!fits_openssl(key))
    return false;
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(), out, nullptr)
         != nullptr;
}

} // namespace

digest sha256(byte_view data) {
  digest out;
  SHA256(data.data(), data.size(), out.data());
  return out;
}

std::optional<secret> hkdf_sha256(byte_view key, byte_view salt, byte_view info) {
  error_queue_guard errors;
  auto pseudo_random_key = secret::make(key_bytes);
  auto out = secret::make(key_bytes);
  bytes expand(info.begin(), info.end());
  expand.push_back(1);
  if (!pseudo_random_key || !out || !hmac_sha256(salt, key, pseudo_random_key->data())
      || !hmac_sha256(pseudo_random_key->view(), expand, out->data()))
    return std::nullopt;
  return out;
}

std::optional<bytes> aes_gcm_seal(byte_view key, byte_view nonce, byte_view aad, byte_view plain) {
  error_queue_guard errors;
  if (!is_usable(key, nonce, aad, plain))
    return std::nullopt;
  cipher_context c{EVP_CIPHER_CTX_new()};
  bytes out(plain.size() + tag_bytes);
  auto* tag = out.data() + plain.size();
  int n = 0;
  bool sealed = c != nullptr && EVP_EncryptInit_ex2(c.get(), aes_256_gcm(), key.data(), nonce.data(), nullptr) == 1
                && add_aad(c.get(), aad) && transform(c.get(), plain, out.data())
                && EVP_EncryptFinal_ex(c.get(), tag, &n) == 1
                && EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag) == 1;
  if (!sealed)
    return std::nullopt;
  return out;
}

std::optional<sensitive_text> aes_gcm_open(byte_view key, byte_view nonce, byte_view aad, byte_view sealed) {
  error_queue_guard errors;
  if (!is_usable(key, nonce, aad, sealed) || sealed.size() < tag_bytes)
    return std::nullopt;
  sensitive_text out;
  out.resize(sealed.size() - tag_bytes);
  if (!decrypt(key, nonce, aad, sealed, reinterpret_cast<unsigned char*>(out.data())))
    return std::nullopt;
  return out;
}

std::optional<secret> aes_gcm_open_key(byte_view key, byte_view nonce, byte_view aad, byte_view sealed) {
  error_queue_guard errors;
  if (!is_usable(key, nonce, aad, sealed) || sealed.size() < tag_bytes)
    return std::nullopt;
  auto out = secret::make(sealed.size() - tag_bytes);
  if (!out || !decrypt(key, nonce, aad, sealed, out->data()))
    return std::nullopt;
  return out;
}

bool random_bytes(unsigned char* out, std::size_t size) {
  error_queue_guard errors;
  return size <= INT_MAX && RAND_priv_bytes(out, static_cast<int>(size)) == 1;
}

std::optional<secret> random_key() {
  auto out = secret::make(key_bytes);
  if (!out || !random_bytes(out->data(), out->size()))
    return std::nullopt;
  return out;
}

bool equal_constant_time(byte_view a, byte_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

} // namespace mana::crypto
