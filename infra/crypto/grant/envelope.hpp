// Encrypted field values of the change log (contract section 4).
//
//   enc:1:<iv>.<ciphertext‖tag>   AES-256-GCM, no AAD, under the MDK of a v1 grant
//   enc:2:<iv>.<ciphertext‖tag>   AES-256-GCM under the record's key, AAD `<table>:<recordId>:<field>`
//
// Both parts are base64; the plaintext is the value as JSON text, in UTF-8.
#pragma once

#include "infra/crypto/primitives.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mana::crypto {

// `<table>:<recordId>`: how a record is named in scopes, salts and AADs.
std::string record_name(std::string_view table, std::string_view record_id);

enum class envelope_version : std::uint8_t { enc1, enc2 };

// nullopt: a plain string.
std::optional<envelope_version> envelope_of(std::string_view value);

enum class open_error : std::uint8_t {
  malformed,            // no separator, not base64, IV of another length, no room for a tag
  tampered_or_wrong_key // authentication failed
};
// Reasons of contract section 2.
std::string_view to_string(open_error e) noexcept;

struct opened_value {
  std::optional<sensitive_text> json; // the value's JSON text; none: see `error`
  open_error error = open_error::malformed;
};

opened_value open_enc1(byte_view key, std::string_view value);
opened_value open_enc2(byte_view record_key, std::string_view table, std::string_view record_id, std::string_view field,
                       std::string_view value);

// What the browser does; for the demo's and the tests' data.
std::optional<std::string> seal_enc2(byte_view record_key, std::string_view table, std::string_view record_id,
                                     std::string_view field, std::string_view json);

// RK = HKDF-SHA256(master key, salt `<table>:<recordId>`, info `mana-record-key:v1`).
std::optional<secret> record_key(const secret& master_key, std::string_view table, std::string_view record_id);

} // namespace mana::crypto
