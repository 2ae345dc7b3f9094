#include "actors/key_vault/kek_ring.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"

#include <algorithm>
#include <array>

namespace mana {

namespace {

constexpr std::size_t max_id_bytes = 64;

bool is_kek_id(std::string_view id) {
  auto allowed = [](unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
           || c == '-';
  };
  return !id.empty() && id.size() <= max_id_bytes && std::all_of(id.begin(), id.end(), allowed);
}

} // namespace

result<kek_ring> kek_ring::parse(std::string_view text) {
  kek_ring out;
  for (bool more = true; more;) {
    auto comma = text.find(',');
    auto entry = text.substr(0, comma);
    more = comma != text.npos;
    text.remove_prefix(more ? comma + 1 : text.size());
    auto wrong = [n = out.size() + 1](const char* what) {
      return failure{errc::config_invalid, "key " + std::to_string(n) + ' ' + what};
    };
    auto colon = entry.find(':');
    std::string id{colon == entry.npos ? "v1" : entry.substr(0, colon)};
    if (!is_kek_id(id))
      return wrong("has an id that is not 1 to 64 letters, digits, dots, dashes or underscores");
    if (std::any_of(out.keys_.begin(), out.keys_.end(), [&](auto& known) { return known.first == id; }))
      return wrong("has the id of another key");
    auto key = crypto::secret_from_base64(colon == entry.npos ? entry : entry.substr(colon + 1));
    if (!key || key->size() != crypto::key_bytes)
      return wrong("is not base64 of 32 bytes");
    out.keys_.emplace_back(std::move(id), std::move(*key));
  }
  return out;
}

result<wrapped_key> kek_ring::wrap(const crypto::secret& master_key) const {
  std::array<unsigned char, crypto::nonce_bytes> iv{};
  if (!crypto::random_bytes(iv.data(), iv.size()))
    return failure{errc::internal, "no random bytes"};
  auto sealed = crypto::aes_gcm_seal(keys_.front().second.view(), iv, {}, master_key.view());
  if (!sealed)
    return failure{errc::internal, "a master key could not be wrapped"};
  return wrapped_key{crypto::to_base64(*sealed), crypto::to_base64(iv), first_id()};
}

result<crypto::secret> kek_ring::unwrap(const wrapped_key& wrapped) const {
  auto kek = std::find_if(keys_.begin(), keys_.end(), [&](auto& k) { return k.first == wrapped.kek_id; });
  if (kek == keys_.end())
    return failure{errc::vault_key_unknown, "no KEK " + wrapped.kek_id + " is configured"};
  auto iv = crypto::from_base64(wrapped.iv);
  auto sealed = crypto::from_base64(wrapped.ciphertext);
  if (iv && sealed)
    if (auto key = crypto::aes_gcm_open_key(kek->second.view(), *iv, {}, *sealed))
      return std::move(*key);
  return failure{errc::vault_key_unknown, "KEK " + wrapped.kek_id + " does not open the vault"};
}

} // namespace mana
