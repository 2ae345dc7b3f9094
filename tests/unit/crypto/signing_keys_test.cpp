#include "infra/crypto/signing_keys.hpp"

#include "tests/unit/crypto/crypto_vectors.hpp"
#include "tests/unit/crypto/foreign_keys.hpp"

using namespace mana;
using namespace mana::crypto;

namespace {

std::string problem(std::string_view pem) {
  auto keys = parse_signing_keys(pem);
  return keys ? "none" : keys.error().detail;
}

// RFC 8032, 7.1, test 2: its secret key as PKCS#8.
TEST(signing_keys, know_the_vector_of_their_rfc) {
  auto der =
      from_hex("302e020100300506032b6570042204204ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  auto keys = parse_signing_keys("-----BEGIN PRIVATE KEY-----\n" + to_base64(der) + "\n-----END PRIVATE KEY-----\n");
  ASSERT_TRUE(keys) << keys.error().detail;
  auto& key = keys->front();
  EXPECT_EQ(to_hex(key.public_key()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  auto signature = key.sign(bytes{0x72});
  ASSERT_TRUE(signature);
  EXPECT_EQ(to_hex(*signature), "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

struct signed_message : testing::Test {
  signing_key key = parse_signing_keys(foreign::ed25519_private())->front();
  std::string message = "message";
  ed25519_signature signature = *key.sign(as_bytes(message));

  bool holds(std::string_view m, byte_view s) const { return ed25519_verify(key.public_key(), as_bytes(m), s); }
};

TEST_F(signed_message, verifies) {
  EXPECT_TRUE(holds(message, signature));
  EXPECT_TRUE(holds("", *key.sign({})));
}

TEST_F(signed_message, does_not_verify_when_anything_differs) {
  EXPECT_FALSE(holds("messagf", signature));
  EXPECT_FALSE(holds("", signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto bad = signature;
    bad[i] ^= 1;
    EXPECT_FALSE(holds(message, bad)) << i;
  }
}

TEST_F(signed_message, does_not_verify_with_a_signature_of_another_size) {
  bytes longer{signature.begin(), signature.end()};
  longer.push_back(0);
  EXPECT_FALSE(holds(message, longer));
  for (std::size_t n = 0; n < signature.size(); ++n)
    EXPECT_FALSE(holds(message, byte_view{signature}.first(n))) << n;
}

TEST_F(signed_message, does_not_verify_under_what_is_no_point) {
  ed25519_public no_point;
  no_point.fill(0xFF);
  EXPECT_FALSE(ed25519_verify(no_point, as_bytes(message), signature));
}

TEST(signing_keys, may_be_several_or_none) {
  EXPECT_EQ(parse_signing_keys(foreign::ed25519_private() + foreign::ed25519_private())->size(), 2U);
  EXPECT_TRUE(parse_signing_keys("")->empty());
}

TEST(signing_keys, have_an_id_of_sixteen_digits) {
  auto id = parse_signing_keys(foreign::ed25519_private())->front().key_id();
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(signing_keys, of_another_kind_are_refused) {
  EXPECT_EQ(problem(foreign::ed25519_public()), "PEM block 1: this is a public key; a private key is needed here");
  EXPECT_EQ(problem(rsa_pem("private_key_pkcs8_pem")), "PEM block 1: the key is not an Ed25519 key");
  EXPECT_EQ(problem(rsa_pem("private_key_pkcs1_pem")), "PEM block 1: the key is not an Ed25519 key");
  EXPECT_EQ(problem(foreign::ed25519_private() + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
            "PEM block 2: the key is malformed");
}

} // namespace
