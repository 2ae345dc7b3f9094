#include "http/server/key_check.hpp"

#include "http/server/error_response.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace mana::http {

bool same_key(std::string_view given, std::string_view expected) {
  unsigned char a[SHA256_DIGEST_LENGTH];
  unsigned char b[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(given.data()), given.size(), a);
  SHA256(reinterpret_cast<const unsigned char*>(expected.data()), expected.size(), b);
  return CRYPTO_memcmp(a, b, sizeof a) == 0 && !expected.empty();
}

bool has_service_key(const request& req, std::string_view expected) {
  auto given = req.headers.find("x-service-key");
  return same_key(given == req.headers.end() ? std::string_view{} : std::string_view{given->second}, expected);
}

response service_key_refused() { return error_response(401, "UNAUTHORIZED", "X-Service-Key is missing or wrong"); }

} // namespace mana::http
