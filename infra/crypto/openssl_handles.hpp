// Owners of OpenSSL's objects. For the sources of this folder only; the headers beside show nothing of
// the library.
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace mana::crypto {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using pkey_context = std::unique_ptr<EVP_PKEY_CTX, openssl_free<EVP_PKEY_CTX_free>>;
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, openssl_free<EVP_CIPHER_CTX_free>>;
using digest_context = std::unique_ptr<EVP_MD_CTX, openssl_free<EVP_MD_CTX_free>>;
using pkcs8_info = std::unique_ptr<PKCS8_PRIV_KEY_INFO, openssl_free<PKCS8_PRIV_KEY_INFO_free>>;

// A failed call leaves entries in the thread's error queue, which the TLS code of the same thread would
// take for its own. One of these in every function that may fail empties it.
struct error_queue_guard {
  error_queue_guard() = default;
  error_queue_guard(const error_queue_guard&) = delete;
  error_queue_guard& operator=(const error_queue_guard&) = delete;
  ~error_queue_guard() { ERR_clear_error(); }
};

} // namespace mana::crypto
