#include "infra/crypto/key_id.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/openssl_handles.hpp"
#include "infra/crypto/primitives.hpp"

#include <openssl/crypto.h>

namespace mana::crypto {

std::optional<std::string> key_id_of(evp_pkey_st* key) {
  error_queue_guard errors;
  unsigned char* der = nullptr;
  auto size = i2d_PUBKEY(key, &der);
  if (size <= 0)
    return std::nullopt;
  auto hash = sha256({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return to_hex({hash.data(), 8});
}

} // namespace mana::crypto
