// Keys and tokens for tests, among them tokens that no issuer would write.
#pragma once

#include "infra/jwt/token.hpp"
#include "tests/unit/jwt/signed_token.hpp"

#include <gtest/gtest.h>

namespace mana::testing {

inline crypto::signing_key fresh_signing_key() {
  auto keys = crypto::parse_signing_keys(ed25519_pem());
  EXPECT_TRUE(keys);
  return keys->front();
}

// A token as the issuer writes it.
inline std::string token_for(const crypto::signing_key& key, const std::string& user, timestamp now,
                             std::chrono::milliseconds ttl = std::chrono::minutes{15}) {
  auto token = jwt::sign(key, {user, "https://issuer.test", "mana", now, now + ttl});
  EXPECT_TRUE(token);
  return *token;
}

inline jwt::expectations test_expectations() { return {{"https://issuer.test"}, "mana"}; }

} // namespace mana::testing
