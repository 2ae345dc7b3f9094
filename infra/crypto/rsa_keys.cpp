#include "infra/crypto/rsa_keys.hpp"

#include "infra/crypto/key_id.hpp"
#include "infra/crypto/openssl_handles.hpp"
#include "infra/crypto/pem.hpp"

#include <openssl/crypto.h>
#include <openssl/rsa.h>

namespace mana::crypto {

namespace {

// Beyond the upper end a single unwrap takes longer than a lease should be held.
constexpr int min_bits = 2048;
constexpr int max_bits = 8192;

bool is_private(pem_label label) { return label == pem_label::private_key || label == pem_label::rsa_private_key; }

// -- from DER: a null pointer when it is not exactly one key -----------------------------------------

pkey_ptr private_from_pkcs8(byte_view der) {
  auto* p = der.data();
  pkcs8_info info{d2i_PKCS8_PRIV_KEY_INFO(nullptr, &p, static_cast<long>(der.size()))};
  if (info == nullptr || p != der.data() + der.size())
    return nullptr;
  return pkey_ptr{EVP_PKCS82PKEY(info.get())};
}

template <auto Read>
pkey_ptr rsa_from_pkcs1(byte_view der) {
  auto* p = der.data();
  pkey_ptr key{Read(EVP_PKEY_RSA, nullptr, &p, static_cast<long>(der.size()))};
  return p == der.data() + der.size() ? std::move(key) : nullptr;
}

pkey_ptr public_from_spki(byte_view der) {
  auto* p = der.data();
  pkey_ptr key{d2i_PUBKEY(nullptr, &p, static_cast<long>(der.size()))};
  return p == der.data() + der.size() ? std::move(key) : nullptr;
}

pkey_ptr from_der(const pem_block& block) {
  switch (block.label) {
    case pem_label::private_key: return private_from_pkcs8(block.der.view());
    case pem_label::rsa_private_key: return rsa_from_pkcs1<d2i_PrivateKey>(block.der.view());
    case pem_label::public_key: return public_from_spki(block.der.view());
    case pem_label::rsa_public_key: return rsa_from_pkcs1<d2i_PublicKey>(block.der.view());
  }
  return nullptr;
}

// -- OAEP --------------------------------------------------------------------------------------------

bool set_label(EVP_PKEY_CTX* c, byte_view label) {
  if (label.empty())
    return true;
  auto* copy = OPENSSL_memdup(label.data(), label.size()); // the context takes it over
  if (copy != nullptr && EVP_PKEY_CTX_set0_rsa_oaep_label(c, copy, static_cast<int>(label.size())) == 1)
    return true;
  OPENSSL_free(copy);
  return false;
}

bool set_oaep(EVP_PKEY_CTX* c, byte_view label) {
  return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1
         && EVP_PKEY_CTX_set_rsa_oaep_md_name(c, "SHA256", nullptr) == 1
         && EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, "SHA256", nullptr) == 1 && set_label(c, label);
}

std::size_t modulus_bytes(evp_pkey_st* key) { return static_cast<std::size_t>(EVP_PKEY_get_size(key)); }

std::optional<bytes> oaep_encrypt(evp_pkey_st* key, byte_view plain, byte_view label) {
  error_queue_guard errors;
  pkey_context c{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  bytes out(modulus_bytes(key));
  std::size_t n = out.size();
  if (c == nullptr || EVP_PKEY_encrypt_init(c.get()) != 1 || !set_oaep(c.get(), label)
      || EVP_PKEY_encrypt(c.get(), out.data(), &n, plain.data(), plain.size()) != 1)
    return std::nullopt;
  out.resize(n);
  return out;
}

std::optional<secret> oaep_decrypt(evp_pkey_st* key, byte_view wrapped, byte_view label) {
  error_queue_guard errors;
  // A shorter text is the same number without its leading zeros: one wrap must have one form only.
  if (wrapped.size() != modulus_bytes(key))
    return std::nullopt;
  pkey_context c{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  auto block = secret::make(wrapped.size()); // what the library asks for; the payload is shorter
  std::size_t n = wrapped.size();
  if (c == nullptr || !block || EVP_PKEY_decrypt_init(c.get()) != 1 || !set_oaep(c.get(), label)
      || EVP_PKEY_decrypt(c.get(), block->data(), &n, wrapped.data(), wrapped.size()) != 1)
    return std::nullopt;
  return secret::copy_of(block->view().first(n));
}

// -- checks ------------------------------------------------------------------------------------------

// Empty: fine.
std::string_view wrong_with(evp_pkey_st* key) {
  if (EVP_PKEY_is_a(key, "RSA") != 1)
    return "the key is not an RSA key";
  if (EVP_PKEY_get_bits(key) < min_bits)
    return "the RSA key has less than 2048 bits";
  if (EVP_PKEY_get_bits(key) > max_bits)
    return "the RSA key has more than 8192 bits";
  return {};
}

// A key of which a digit was lost may still parse, and even work: the library falls back to the parts
// that are whole. 40 ms for 2048 bits.
bool is_consistent(evp_pkey_st* key) {
  pkey_context c{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  return c != nullptr && EVP_PKEY_check(c.get()) == 1;
}

result<pkey_ptr> rsa_key(const pem_block& block, std::size_t number, bool want_private) {
  error_queue_guard errors;
  if (is_private(block.label) != want_private)
    return bad_pem_block(number, want_private ? "this is a public key; a private key is needed here"
                                              : "this is a private key; a public key is needed here");
  auto key = from_der(block);
  if (key == nullptr)
    return bad_pem_block(number, "the key is malformed");
  auto wrong = wrong_with(key.get());
  if (wrong.empty() && want_private && !is_consistent(key.get()))
    wrong = "the parts of the key do not belong together";
  if (!wrong.empty())
    return bad_pem_block(number, wrong);
  return key;
}

} // namespace

void pkey_free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

result<rsa_public_key> rsa_public_key::parse(std::string_view pem) {
  auto blocks = read_pem(pem);
  if (!blocks)
    return std::move(blocks).error();
  if (blocks->size() != 1)
    return failure{errc::config_invalid, "exactly one PEM block is needed: the public key"};
  auto key = rsa_key(blocks->front(), 1, false);
  if (!key)
    return std::move(key).error();
  auto id = key_id_of(key->get());
  if (!id)
    return bad_pem_block(1, "the key cannot be written as SPKI");
  return rsa_public_key{std::shared_ptr<evp_pkey_st>{std::move(*key)}, std::move(*id)};
}

std::optional<bytes> rsa_public_key::wrap(const secret& key, byte_view label) const {
  return oaep_encrypt(key_.get(), key.view(), label);
}

std::optional<secret> rsa_private_key::unwrap(byte_view wrapped, byte_view label) const {
  return oaep_decrypt(key_.get(), wrapped, label);
}

result<std::vector<rsa_private_key>> parse_private_keys(std::string_view pem) {
  auto blocks = read_pem(pem);
  if (!blocks)
    return std::move(blocks).error();
  std::vector<rsa_private_key> out;
  for (auto& block : *blocks) {
    auto number = out.size() + 1;
    auto key = rsa_key(block, number, true);
    if (!key)
      return std::move(key).error();
    auto id = key_id_of(key->get());
    if (!id)
      return bad_pem_block(number, "the public part of the key cannot be written as SPKI");
    out.push_back(rsa_private_key{std::shared_ptr<evp_pkey_st>{std::move(*key)}, std::move(*id)});
  }
  return out;
}

} // namespace mana::crypto
