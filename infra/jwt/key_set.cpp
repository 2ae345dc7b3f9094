#include "infra/jwt/key_set.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/json/value.hpp"
#include "infra/jwt/token.hpp"

#include <algorithm>
#include <optional>

namespace mana::jwt {

namespace {

// A member that need not be there, but must not say something else.
bool absent_or(const json::value& key, std::string_view name, std::string_view text) {
  return key.find(name) == nullptr || key.text(name) == text;
}

std::optional<crypto::ed25519_public> public_key_of(const json::value& key) {
  if (key.text("kty") != "OKP" || key.text("crv") != "Ed25519" || !absent_or(key, "use", "sig")
      || !absent_or(key, "alg", "EdDSA"))
    return std::nullopt;
  auto x = crypto::from_base64url(key.text("x"));
  crypto::ed25519_public out{};
  if (!x || x->size() != out.size())
    return std::nullopt;
  std::copy(x->begin(), x->end(), out.begin());
  return out;
}

} // namespace

result<key_set> key_set::parse(std::string_view text) {
  if (text.size() > max_key_set_bytes)
    return failure{errc::limit_exceeded, "the key set is larger than 64 KiB"};
  auto document = json::parse(text);
  auto* keys = document ? document->find("keys") : nullptr;
  if (keys == nullptr || keys->as_array() == nullptr)
    return failure{errc::json_malformed, "the key set is not a JSON object with a list `keys`"};
  key_set out;
  for (auto& key : *keys->as_array()) {
    auto usable = public_key_of(key);
    auto kid = key.text("kid");
    if (!usable || kid.empty() || kid.size() > max_kid_bytes)
      continue;
    if (out.keys_.size() == max_keys && out.find(kid) == nullptr)
      return failure{errc::limit_exceeded, "the key set has more than 32 Ed25519 keys"};
    out.keys_.emplace(kid, *usable);
  }
  return out;
}

key_set key_set::of(std::span<const crypto::signing_key> keys) {
  key_set out;
  for (auto& key : keys)
    out.keys_.emplace(key.key_id(), key.public_key());
  return out;
}

const crypto::ed25519_public* key_set::find(std::string_view kid) const {
  auto i = keys_.find(kid);
  return i == keys_.end() ? nullptr : &i->second;
}

std::string to_jwks(std::span<const crypto::signing_key> keys) {
  json::array list;
  for (auto& key : keys)
    list.emplace_back(json::object{{"kty", "OKP"},
                                   {"crv", "Ed25519"},
                                   {"x", crypto::to_base64url(key.public_key())},
                                   {"kid", key.key_id()},
                                   {"alg", "EdDSA"},
                                   {"use", "sig"}});
  return json::to_text(json::object{{"keys", std::move(list)}});
}

} // namespace mana::jwt
