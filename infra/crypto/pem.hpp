// PEM (RFC 7468) as it stands in settings: one or more blocks, line breaks real or written as `\n`.
#pragma once

#include "infra/crypto/secret.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace mana::crypto {

enum class pem_label : std::uint8_t {
  private_key,     // PRIVATE KEY: PKCS#8
  rsa_private_key, // RSA PRIVATE KEY: PKCS#1
  public_key,      // PUBLIC KEY: SPKI
  rsa_public_key,  // RSA PUBLIC KEY: PKCS#1
};

struct pem_block {
  pem_label label = pem_label::private_key;
  secret der;
};

// Empty text: no blocks. config_invalid when there is anything but blocks and blanks, when a block is of
// another kind, encrypted, or no base64. The detail names the block (1, 2, …), and quotes nothing.
result<std::vector<pem_block>> read_pem(std::string_view text);

// With line breaks, as other programs read it.
sensitive_text write_pem(pem_label label, const secret& der);

// `PEM block <number>: <what>`.
failure bad_pem_block(std::size_t number, std::string_view what);

} // namespace mana::crypto
