#include "infra/crypto/grant/envelope.hpp"

#include "infra/crypto/base64.hpp"

namespace mana::crypto {

namespace {

constexpr std::string_view enc1_prefix = "enc:1:";
constexpr std::string_view enc2_prefix = "enc:2:";
constexpr std::string_view record_key_info = "mana-record-key:v1";

struct parts {
  bytes nonce;
  bytes sealed;
};

std::optional<parts> parts_of(std::string_view value, std::string_view prefix) {
  if (!value.starts_with(prefix))
    return std::nullopt;
  value.remove_prefix(prefix.size());
  auto dot = value.find('.');
  if (dot == value.npos)
    return std::nullopt;
  auto nonce = from_base64(value.substr(0, dot));
  auto sealed = from_base64(value.substr(dot + 1));
  if (!nonce || nonce->size() != nonce_bytes || !sealed || sealed->size() < tag_bytes)
    return std::nullopt;
  return parts{std::move(*nonce), std::move(*sealed)};
}

opened_value open_value(byte_view key, std::string_view prefix, std::string_view aad, std::string_view value) {
  auto p = parts_of(value, prefix);
  if (!p)
    return {std::nullopt, open_error::malformed};
  return {aes_gcm_open(key, p->nonce, as_bytes(aad), p->sealed), open_error::tampered_or_wrong_key};
}

std::string field_name(std::string_view table, std::string_view record_id, std::string_view field) {
  return record_name(table, record_id).append(":").append(field);
}

} // namespace

std::string record_name(std::string_view table, std::string_view record_id) {
  return std::string{table}.append(":").append(record_id);
}

std::optional<envelope_version> envelope_of(std::string_view value) {
  if (value.starts_with(enc1_prefix))
    return envelope_version::enc1;
  if (value.starts_with(enc2_prefix))
    return envelope_version::enc2;
  return std::nullopt;
}

std::string_view to_string(open_error e) noexcept {
  switch (e) {
    case open_error::malformed: return "ciphertext-malformed";
    case open_error::tampered_or_wrong_key: return "ciphertext-tampered-or-wrong-key";
  }
  return "unknown";
}

opened_value open_enc1(byte_view key, std::string_view value) { return open_value(key, enc1_prefix, {}, value); }

opened_value open_enc2(byte_view record_key, std::string_view table, std::string_view record_id, std::string_view field,
                       std::string_view value) {
  return open_value(record_key, enc2_prefix, field_name(table, record_id, field), value);
}

std::optional<std::string> seal_enc2(byte_view record_key, std::string_view table, std::string_view record_id,
                                     std::string_view field, std::string_view json) {
  unsigned char nonce[nonce_bytes];
  if (!random_bytes(nonce, nonce_bytes))
    return std::nullopt;
  auto aad = field_name(table, record_id, field);
  auto sealed = aes_gcm_seal(record_key, nonce, as_bytes(aad), as_bytes(json));
  if (!sealed)
    return std::nullopt;
  return std::string{enc2_prefix} + to_base64(nonce) + '.' + to_base64(*sealed);
}

std::optional<secret> record_key(const secret& master_key, std::string_view table, std::string_view record_id) {
  auto name = record_name(table, record_id);
  return hkdf_sha256(master_key.view(), as_bytes(name), as_bytes(record_key_info));
}

} // namespace mana::crypto
