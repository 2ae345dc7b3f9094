// `mana-ai keygen`: new keys for every setting that takes one.
#pragma once

#include "messages/result.hpp"

#include <string>
#include <vector>

namespace mana::crypto {

struct key_file {
  std::string setting; // <setting>_FILE=<path> uses it
  std::string path;
};

// Writes into `directory`, which is made (mode 0700) when it is missing:
//
//   mana-ai-private.pem  RSA-2048, opens grants                      0600
//   mana-ai-public.pem   its public half, issues grants              0644
//   mana-auth-kek.txt    `<id>:<base64>`, wraps the vaults           0600
//   auth-signing.pem     Ed25519, signs tokens                       0600
//   audit-signing.pem    Ed25519, signs the heads of audit chains    0600
//
// All or none: when one of them exists or cannot be written, what this call wrote is removed, and
// config_invalid names the file and the cause.
result<std::vector<key_file>> generate_keys(const std::string& directory);

} // namespace mana::crypto
