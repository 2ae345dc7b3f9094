#include "tests/unit/crypto/foreign_keys.hpp"

#include "infra/crypto/openssl_handles.hpp"
#include "infra/crypto/rsa_keys.hpp"

#include <openssl/encoder.h>
#include <openssl/rsa.h>

namespace mana::crypto::foreign {

namespace {

using encoder = std::unique_ptr<OSSL_ENCODER_CTX, openssl_free<OSSL_ENCODER_CTX_free>>;

struct form {
  int selection;
  const char* structure;
  bool encrypted = false;
};

std::string pem(EVP_PKEY* key, form f) {
  encoder e{OSSL_ENCODER_CTX_new_for_pkey(key, f.selection, "PEM", f.structure, nullptr)};
  if (f.encrypted) {
    OSSL_ENCODER_CTX_set_cipher(e.get(), "AES-256-CBC", nullptr);
    OSSL_ENCODER_CTX_set_passphrase(e.get(), reinterpret_cast<const unsigned char*>("passphrase"), 10);
  }
  unsigned char* data = nullptr;
  std::size_t size = 0;
  OSSL_ENCODER_to_data(e.get(), &data, &size);
  std::string out{reinterpret_cast<char*>(data), size};
  OPENSSL_free(data);
  return out;
}

EVP_PKEY* rsa() {
  static const pkey_ptr key{EVP_RSA_gen(2048)};
  return key.get();
}

EVP_PKEY* ed25519() {
  static const pkey_ptr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  return key.get();
}

} // namespace

std::string rsa_private(unsigned bits) {
  pkey_ptr key{EVP_RSA_gen(bits)};
  return pem(key.get(), {EVP_PKEY_KEYPAIR, "PrivateKeyInfo"});
}

std::string rsa_public_pkcs1() { return pem(rsa(), {EVP_PKEY_PUBLIC_KEY, "pkcs1"}); }

std::string rsa_pss_private() {
  pkey_context c{EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr)};
  EVP_PKEY_keygen_init(c.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(c.get(), 2048);
  EVP_PKEY* made = nullptr;
  EVP_PKEY_generate(c.get(), &made);
  pkey_ptr key{made};
  return pem(key.get(), {EVP_PKEY_KEYPAIR, "PrivateKeyInfo"});
}

std::string ed25519_private() { return pem(ed25519(), {EVP_PKEY_KEYPAIR, "PrivateKeyInfo"}); }

std::string ed25519_public() { return pem(ed25519(), {EVP_PKEY_PUBLIC_KEY, "SubjectPublicKeyInfo"}); }

std::string encrypted_pkcs8() { return pem(rsa(), {EVP_PKEY_KEYPAIR, "EncryptedPrivateKeyInfo", true}); }

std::string encrypted_pkcs1() { return pem(rsa(), {EVP_PKEY_KEYPAIR, "type-specific", true}); }

} // namespace mana::crypto::foreign
