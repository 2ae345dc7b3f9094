#include "infra/crypto/signing_keys.hpp"

#include "infra/crypto/key_id.hpp"
#include "infra/crypto/openssl_handles.hpp"
#include "infra/crypto/pem.hpp"

namespace mana::crypto {

namespace {

result<pkey_ptr> ed25519_key(const pem_block& block, std::size_t number) {
  error_queue_guard errors;
  if (block.label == pem_label::public_key || block.label == pem_label::rsa_public_key)
    return bad_pem_block(number, "this is a public key; a private key is needed here");
  auto* p = block.der.data();
  pkcs8_info info{d2i_PKCS8_PRIV_KEY_INFO(nullptr, &p, static_cast<long>(block.der.size()))};
  pkey_ptr key{info != nullptr && p == block.der.data() + block.der.size() ? EVP_PKCS82PKEY(info.get()) : nullptr};
  if (block.label == pem_label::rsa_private_key || (key != nullptr && EVP_PKEY_is_a(key.get(), "ED25519") != 1))
    return bad_pem_block(number, "the key is not an Ed25519 key");
  if (key == nullptr)
    return bad_pem_block(number, "the key is malformed");
  return key;
}

std::optional<ed25519_public> public_part(evp_pkey_st* key) {
  ed25519_public out;
  auto size = out.size();
  if (EVP_PKEY_get_raw_public_key(key, out.data(), &size) != 1 || size != out.size())
    return std::nullopt;
  return out;
}

} // namespace

bool ed25519_verify(const ed25519_public& key, byte_view message, byte_view signature) {
  error_queue_guard errors;
  pkey_ptr pkey{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size())};
  digest_context c{EVP_MD_CTX_new()};
  return pkey != nullptr && c != nullptr
         && signature.size()
                == std::tuple_size_v<
                    ed25519_signature> && EVP_DigestVerifyInit(c.get(), nullptr, nullptr, nullptr, pkey.get()) == 1
         && EVP_DigestVerify(c.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

std::optional<ed25519_signature> signing_key::sign(byte_view message) const {
  error_queue_guard errors;
  digest_context c{EVP_MD_CTX_new()};
  ed25519_signature out;
  auto size = out.size();
  if (c == nullptr || EVP_DigestSignInit(c.get(), nullptr, nullptr, nullptr, key_.get()) != 1
      || EVP_DigestSign(c.get(), out.data(), &size, message.data(), message.size()) != 1 || size != out.size())
    return std::nullopt;
  return out;
}

result<std::vector<signing_key>> parse_signing_keys(std::string_view pem) {
  auto blocks = read_pem(pem);
  if (!blocks)
    return std::move(blocks).error();
  std::vector<signing_key> out;
  for (auto& block : *blocks) {
    auto number = out.size() + 1;
    auto key = ed25519_key(block, number);
    if (!key)
      return std::move(key).error();
    auto public_key = public_part(key->get());
    auto id = key_id_of(key->get());
    if (!public_key || !id)
      return bad_pem_block(number, "the public part of the key cannot be computed");
    out.push_back(signing_key{std::shared_ptr<evp_pkey_st>{std::move(*key)}, *public_key, std::move(*id)});
  }
  return out;
}

} // namespace mana::crypto
