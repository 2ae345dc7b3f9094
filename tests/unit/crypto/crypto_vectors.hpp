// What the tests of infra/crypto share: bytes and keys of the contract's vectors.
#pragma once

#include "infra/crypto/base64.hpp"
#include "infra/crypto/grant/grant.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <charconv>

namespace mana::crypto {

inline bytes from_hex(std::string_view hex) {
  bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i)
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, out[i], 16);
  return out;
}

inline std::string hex_of(const std::optional<secret>& s) { return s ? to_hex(s->view()) : "nothing"; }

inline secret key_from_hex(std::string_view hex) { return *secret::copy_of(from_hex(hex)); }

inline secret master_key(std::string_view name) {
  static const auto all = test_vectors("master_keys");
  return key_from_hex(all.text(name));
}

inline std::string rsa_pem(std::string_view name) {
  static const auto all = test_vectors("rsa");
  return std::string{all.text(name)};
}

inline const std::vector<rsa_private_key>& private_keys() {
  static const auto keys = *parse_private_keys(rsa_pem("private_key_pkcs8_pem"));
  return keys;
}

inline const rsa_public_key& public_key() {
  static const auto key = *rsa_public_key::parse(rsa_pem("public_key_spki_pem"));
  return key;
}

inline std::vector<std::string> texts_of(const json::value& list) {
  std::vector<std::string> out;
  for (auto& item : *list.as_array())
    out.push_back(*item.as_string());
  return out;
}

// The `derivation` of a grant; a list may be the name of one of the vectors' sections.
inline grant_scope scope_of(const json::value& derivation) {
  auto list = [&](std::string_view member) {
    auto& v = *derivation.find(member);
    return texts_of(v.as_string() == nullptr ? v : test_vectors(v.as_string()->substr(1)));
  };
  return {std::string{derivation.text("missionId")}, list("tables"), list("recordIds")};
}

// The skip's name, or `ok`.
inline std::string outcome(const std::variant<opened_grant, grant_skip>& opened) {
  auto* skip = std::get_if<grant_skip>(&opened);
  return skip == nullptr ? "ok" : std::string{to_string(*skip)};
}

} // namespace mana::crypto
