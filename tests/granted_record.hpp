// What a browser makes of a user's records: a grant for them, and encrypted fields. Keys are those of the
// vectors.
#pragma once

#include "infra/crypto/grant/envelope.hpp"
#include "messages/ids.hpp"
#include "tests/unit/crypto/crypto_vectors.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mana::test {

inline crypto::secret browsers_master_key() { return *crypto::secret::copy_of(crypto::bytes(crypto::key_bytes, 0x42)); }

// Valid for seven days.
inline json::value issue_test_grant(const mission_key& key, timestamp issued_at, std::vector<std::string> records) {
  crypto::grant_request request;
  request.user_id = key.user.value;
  request.scope.mission_id = key.mission.value;
  for (auto& r : records)
    request.scope.tables.push_back(r.substr(0, r.find(':')));
  request.scope.record_ids = std::move(records);
  request.issued_at = issued_at;
  request.expires_at = issued_at + std::chrono::days{7};
  return *crypto::issue_grant(request, browsers_master_key(), crypto::public_key());
}

// `enc:2:` of a value given as JSON text.
inline std::string seal_json(std::string_view table, std::string_view record, std::string_view field,
                             std::string_view json) {
  auto key = crypto::record_key(browsers_master_key(), table, record);
  return *crypto::seal_enc2(key->view(), table, record, field, json);
}
inline std::string seal_text(std::string_view table, std::string_view record, std::string_view field,
                             std::string_view text) {
  return seal_json(table, record, field, json::to_text(json::value{text}));
}

// `enc:1:` under this key, as `iv.sealed`.
inline std::string seal_enc1(crypto::byte_view key, std::string_view json) {
  const crypto::bytes iv(crypto::nonce_bytes, 7);
  return "enc:1:" + crypto::to_base64(iv) + "."
         + crypto::to_base64(*crypto::aes_gcm_seal(key, iv, {}, crypto::as_bytes(json)));
}

} // namespace mana::test
