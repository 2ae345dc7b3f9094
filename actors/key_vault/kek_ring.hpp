// Key encryption keys: they wrap the users' master keys (AES-256-GCM, 12-byte IV, no AAD; contract,
// section 4). Several at once, so that they can rotate: the first one wraps, each one unwraps what
// names it.
#pragma once

#include "infra/crypto/secret.hpp"
#include "messages/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mana {

// As it is stored.
struct wrapped_key {
  std::string ciphertext; // base64 of 48 bytes: key and tag
  std::string iv;         // base64 of 12 bytes
  std::string kek_id;
};

class kek_ring {
public:
  // `id:base64` separated by commas, 32 bytes each; ids are [A-Za-z0-9._-]{1,64} and unique. Base64
  // alone has the id `v1`. config_invalid names the entry (1, 2, …) and what is wrong with it.
  static result<kek_ring> parse(std::string_view text);

  std::size_t size() const { return keys_.size(); }
  // Of the key that wraps.
  const std::string& first_id() const { return keys_.front().first; }

  // From any thread. internal: the library or the secure heap failed.
  result<wrapped_key> wrap(const crypto::secret& master_key) const;
  // vault_key_unknown: no such KEK, or it does not open this wrap.
  result<crypto::secret> unwrap(const wrapped_key& wrapped) const;

private:
  kek_ring() = default;
  std::vector<std::pair<std::string, crypto::secret>> keys_;
};

} // namespace mana
