#include "infra/crypto/base64.hpp"
#include "infra/crypto/grant/envelope.hpp"
#include "infra/crypto/grant/grant.hpp"

#include <algorithm>

namespace mana::crypto {

namespace {

// Base64 of what the largest accepted RSA key (8192 bits) wraps.
constexpr std::size_t max_wrapped_key_text = 1368;
constexpr std::size_t sealed_key_bytes = nonce_bytes + key_bytes + tag_bytes;
constexpr std::size_t sealed_key_text = sealed_key_bytes / 3 * 4;

using record_key_texts = std::map<std::string, std::string, std::less<>>;

// A grant whose members have the right types and sizes.
struct read_grant {
  int version = 2;
  bytes wrapped_key;
  grant_scope scope;
  std::string_view issued_at; // v2
  std::string_view expires_at;
  std::string_view key_id;      // empty: not named
  record_key_texts record_keys; // v2
};

const std::string* short_text(const json::value& parent, std::string_view member) {
  auto* found = parent.find(member);
  auto* text = found == nullptr ? nullptr : found->as_string();
  return text != nullptr && text->size() <= max_grant_text ? text : nullptr;
}

std::optional<std::vector<std::string>> short_texts(const json::value& parent, std::string_view member) {
  auto* found = parent.find(member);
  auto* list = found == nullptr ? nullptr : found->as_array();
  if (list == nullptr || list->size() > max_grant_records)
    return std::nullopt;
  std::vector<std::string> out;
  for (auto& item : *list) {
    auto* text = item.as_string();
    if (text == nullptr || text->size() > max_grant_text)
      return std::nullopt;
    out.push_back(*text);
  }
  return out;
}

std::optional<bytes> read_wrapped_key(const json::value& grant) {
  auto* found = grant.find("wrappedKey");
  auto* text = found == nullptr ? nullptr : found->as_string();
  return text != nullptr && text->size() <= max_wrapped_key_text ? from_base64(*text) : std::nullopt;
}

std::optional<grant_scope> read_scope(const json::value& derivation) {
  auto* mission = short_text(derivation, "missionId");
  auto tables = short_texts(derivation, "tables");
  auto ids = short_texts(derivation, "recordIds");
  if (mission == nullptr || !tables || !ids)
    return std::nullopt;
  return grant_scope{*mission, std::move(*tables), std::move(*ids)};
}

std::optional<record_key_texts> read_record_keys(const json::value& grant) {
  auto* found = grant.find("recordKeys");
  auto* members = found == nullptr ? nullptr : found->as_object();
  if (members == nullptr || members->size() > max_grant_records)
    return std::nullopt;
  record_key_texts out;
  for (auto& [name, value] : *members) {
    auto* text = value.as_string();
    if (text == nullptr || text->size() > sealed_key_text || name.size() > max_grant_text)
      return std::nullopt;
    out.emplace(name, *text);
  }
  return out;
}

bool read_v2_members(const json::value& grant, read_grant& out) {
  auto* issued_at = short_text(grant, "issuedAt");
  auto record_keys = read_record_keys(grant);
  if (issued_at == nullptr || !record_keys)
    return false;
  out.issued_at = *issued_at;
  out.record_keys = std::move(*record_keys);
  return true;
}

// Views into `grant`. nullopt: malformed.
std::optional<read_grant> read(const json::value& grant) {
  auto* derivation = grant.find("derivation");
  auto wrapped_key = read_wrapped_key(grant);
  auto scope = derivation == nullptr ? std::nullopt : read_scope(*derivation);
  if (!wrapped_key || !scope)
    return std::nullopt;
  read_grant out;
  out.wrapped_key = std::move(*wrapped_key);
  out.scope = std::move(*scope);
  out.expires_at = grant.text("expiresAt");
  out.key_id = grant.text("keyId");
  auto version = derivation->text("version");
  out.version = version == "v1" ? 1 : 2;
  if (version == "v1" || (version == "v2" && read_v2_members(grant, out)))
    return out;
  return std::nullopt;
}

bool is_over(const json::value& grant, timestamp now) {
  auto expires_at = parse_iso(grant.text("expiresAt"));
  return !expires_at || *expires_at <= now;
}

// The named key alone when it is one of ours, else whichever opens it.
std::optional<secret> unwrap(const read_grant& grant, byte_view label, std::span<const rsa_private_key> keys) {
  auto named = std::find_if(keys.begin(), keys.end(), [&](auto& k) { return k.key_id() == grant.key_id; });
  if (named != keys.end())
    return named->unwrap(grant.wrapped_key, label);
  for (auto& key : keys)
    if (auto mdk = key.unwrap(grant.wrapped_key, label))
      return mdk;
  return std::nullopt;
}

std::optional<secret> unwrap(const read_grant& grant, std::string_view user_id, std::span<const rsa_private_key> keys) {
  if (grant.version == 1)
    return unwrap(grant, byte_view{}, keys);
  auto label = sha256(canonical_grant_v2(user_id, grant.scope, grant.issued_at, grant.expires_at));
  return unwrap(grant, label, keys);
}

} // namespace

std::string_view to_string(grant_skip s) noexcept {
  switch (s) {
    case grant_skip::not_configured: return "not-configured";
    case grant_skip::expired: return "expired";
    case grant_skip::malformed: return "malformed";
    case grant_skip::revoked: return "revoked";
    case grant_skip::wrap_rejected: return "wrap-rejected";
  }
  return "unknown";
}

std::optional<std::string> grant_fingerprint(const json::value& grant) {
  auto* found = grant.find("wrappedKey");
  auto* text = found == nullptr ? nullptr : found->as_string();
  if (text == nullptr)
    return std::nullopt;
  auto decoded = from_base64(*text);
  auto hash = sha256(decoded ? byte_view{*decoded} : as_bytes(*text));
  return to_hex({hash.data(), 16});
}

bool opened_grant::allows(std::string_view table, std::string_view record_id) const {
  return allowed_.contains(record_name(table, record_id));
}

std::optional<secret> opened_grant::key_of(std::string_view table, std::string_view record_id) const {
  auto name = record_name(table, record_id);
  auto text = record_keys_.find(name);
  if (text == record_keys_.end() || !allowed_.contains(name))
    return std::nullopt;
  auto sealed = from_base64(text->second);
  if (!sealed || sealed->size() != sealed_key_bytes)
    return std::nullopt;
  byte_view all = *sealed;
  return aes_gcm_open_key(mdk(), all.first(nonce_bytes), as_bytes(name), all.subspan(nonce_bytes));
}

std::variant<opened_grant, grant_skip> open_grant(const json::value& grant, std::string_view user_id,
                                                  std::string_view mission_id, timestamp now, bool revoked,
                                                  const unwrap_policy& policy) {
  if (policy.keys.empty())
    return grant_skip::not_configured;
  if (is_over(grant, now))
    return grant_skip::expired;
  auto parts = read(grant);
  bool of_this_mission = parts && parts->scope.mission_id == mission_id;
  if (!parts || (parts->version == 1 && (!policy.accept_v1 || !of_this_mission)))
    return grant_skip::malformed;
  if (revoked)
    return grant_skip::revoked;
  auto mdk = of_this_mission ? unwrap(*parts, user_id, policy.keys) : std::nullopt;
  if (!mdk)
    return grant_skip::wrap_rejected;
  if (mdk->size() != key_bytes)
    return grant_skip::malformed;
  opened_grant out;
  out.version_ = parts->version;
  out.mdk_ = std::move(*mdk);
  out.allowed_.insert(parts->scope.record_ids.begin(), parts->scope.record_ids.end());
  out.record_keys_ = std::move(parts->record_keys);
  return out;
}

} // namespace mana::crypto
