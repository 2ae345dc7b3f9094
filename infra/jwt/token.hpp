// JSON Web Tokens (RFC 7519) in the compact form (RFC 7515), signed with EdDSA over Ed25519 (RFC 8037)
// and nothing else: `alg` is compared with the one value that is accepted before any key is looked up, so
// no token can choose how it is verified. Keys come by `kid` from a set of ours, never from the token.
#pragma once

#include "infra/crypto/signing_keys.hpp"
#include "messages/result.hpp"
#include "messages/timestamp.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mana::jwt {

inline constexpr std::size_t max_token_bytes = 8 * 1024;
inline constexpr std::size_t max_kid_bytes = 200;
inline constexpr std::size_t max_subject_bytes = 200;

// How far the issuer's clock may be ahead of ours. `exp` has no such leeway.
inline constexpr std::chrono::seconds issuer_clock_leeway{30};

struct claims {
  std::string subject;    // not empty, without control characters
  timestamp expires_at{}; // rounded down
};

// What a token must say besides being signed.
struct expectations {
  std::vector<std::string> issuers;
  std::string audience;
};

// A token whose form and header are sound. Nothing in it is to be believed before verify().
struct unverified_token {
  std::string kid;
  std::string signed_part; // header.payload as they were sent
  std::string payload;     // JSON text
  crypto::ed25519_signature signature{};
};

// errc::unauthorized; the detail says what is wrong and quotes nothing of the token.
result<unverified_token> parse(std::string_view token);
result<claims> verify(const unverified_token& token, const crypto::ed25519_public& key, const expectations& expected,
                      timestamp now);

// Both at once. The lookup answers nullptr for a kid that is not known.
using key_lookup = std::function<const crypto::ed25519_public*(std::string_view kid)>;
result<claims> verify(std::string_view token, const key_lookup& keys, const expectations& expected, timestamp now);

// What a token of ours says; `iat` and `nbf` are `issued_at`.
struct token_content {
  std::string subject;
  std::string issuer;
  std::string audience;
  timestamp issued_at{};
  timestamp expires_at{};
};

// errc::internal: the library failed.
result<std::string> sign(const crypto::signing_key& key, const token_content& content);

} // namespace mana::jwt
