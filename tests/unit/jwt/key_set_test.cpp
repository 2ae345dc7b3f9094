#include "infra/jwt/key_set.hpp"

#include "infra/crypto/base64.hpp"
#include "tests/unit/jwt/test_tokens.hpp"

using namespace mana;

namespace {

const std::string some_x = crypto::to_base64url(crypto::ed25519_public{1, 2, 3});

std::string key_with(const std::string& members, const std::string& kid = "k") {
  return R"({"kty":"OKP","crv":"Ed25519","kid":")" + kid + R"(","x":")" + some_x + '"' + members + '}';
}

std::size_t usable(const std::string& keys) {
  auto set = jwt::key_set::parse(R"({"keys":[)" + keys + "]}");
  EXPECT_TRUE(set);
  return set ? set->size() : 0;
}

} // namespace

TEST(jwt_key_set, takes_ed25519_keys_and_passes_over_all_others) {
  EXPECT_EQ(usable(key_with("")), 1u);
  EXPECT_EQ(usable(key_with(R"(,"use":"sig","alg":"EdDSA")")), 1u);
  EXPECT_EQ(usable(key_with(R"(,"use":"enc")")), 0u);
  EXPECT_EQ(usable(key_with(R"(,"alg":"RS256")")), 0u);
  EXPECT_EQ(usable(key_with("", "")), 0u);
  EXPECT_EQ(usable(R"({"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"},7,"x",null,[],{})"), 0u);
  EXPECT_EQ(usable(R"({"kty":"OKP","crv":"X25519","kid":"k","x":")" + some_x + "\"}"), 0u);
  EXPECT_EQ(usable(R"({"kty":"OKP","crv":"Ed25519","kid":"k","x":"AQID"})"), 0u);
  EXPECT_EQ(usable(R"({"kty":"OKP","crv":"Ed25519","kid":7,"x":")" + some_x + "\"}"), 0u);
}

TEST(jwt_key_set, of_two_keys_with_one_kid_the_first_is_taken) {
  auto set = jwt::key_set::parse(R"({"keys":[)" + key_with("") + R"(,{"kty":"OKP","crv":"Ed25519","kid":"k","x":")"
                                 + crypto::to_base64url(crypto::ed25519_public{9}) + "\"}]}");
  ASSERT_TRUE(set);
  ASSERT_NE(set->find("k"), nullptr);
  EXPECT_EQ(*set->find("k"), (crypto::ed25519_public{1, 2, 3}));
}

TEST(jwt_key_set, refuses_what_is_no_key_set) {
  for (auto* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":null})", "<html>"}) {
    auto set = jwt::key_set::parse(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().code, errc::json_malformed) << text;
  }
}

TEST(jwt_key_set, is_limited_in_size_and_count) {
  std::string keys;
  for (std::size_t i = 0; i < jwt::max_keys; ++i)
    keys += key_with("", "k" + std::to_string(i)) + ',';
  EXPECT_EQ(usable(keys + "{}"), jwt::max_keys);
  auto more = jwt::key_set::parse(R"({"keys":[)" + keys + key_with("") + "]}");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, errc::limit_exceeded);
  auto large = jwt::key_set::parse(R"({"keys":[]})" + std::string(jwt::max_key_set_bytes, ' '));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, errc::limit_exceeded);
}

TEST(jwt_key_set, what_we_publish_is_what_we_read) {
  std::vector<crypto::signing_key> keys{mana::testing::fresh_signing_key(), mana::testing::fresh_signing_key()};
  auto set = jwt::key_set::parse(jwt::to_jwks(keys));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->size(), 2u);
  for (auto& key : keys)
    EXPECT_EQ(*set->find(key.key_id()), key.public_key());
}
