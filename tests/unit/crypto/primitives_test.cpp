#include "infra/crypto/primitives.hpp"

#include "tests/unit/crypto/crypto_vectors.hpp"

#include <openssl/err.h>

using namespace mana;
using namespace mana::crypto;

namespace {

const bytes key(key_bytes, 0x11);
const bytes nonce(nonce_bytes, 0x22);

bytes text(std::string_view s) { return {s.begin(), s.end()}; }

TEST(sha256, knows_the_vector_of_its_standard) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 5869, A.1 and A.3, their first 32 bytes.
TEST(hkdf, knows_the_vectors_of_its_rfc) {
  bytes ikm(22, 0x0B);
  EXPECT_EQ(hex_of(hkdf_sha256(ikm, from_hex("000102030405060708090a0b0c"), from_hex("f0f1f2f3f4f5f6f7f8f9"))),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  EXPECT_EQ(hex_of(hkdf_sha256(ikm, {}, {})), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(hkdf, takes_info_beyond_what_the_library_takes) {
  bytes info(1'000'000, 'i');
  auto whole = hkdf_sha256(key, {}, info);
  ASSERT_TRUE(whole);
  info.back() = 'j';
  EXPECT_NE(hex_of(hkdf_sha256(key, {}, info)), hex_of(whole));
}

TEST(aes_gcm, opens_what_it_sealed) {
  for (auto* plain : {"", "x", "a text that is longer than one block of the cipher"}) {
    auto sealed = aes_gcm_seal(key, nonce, as_bytes("aad"), as_bytes(plain));
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->size(), std::string_view{plain}.size() + tag_bytes);
    auto opened = aes_gcm_open(key, nonce, as_bytes("aad"), *sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->view(), plain);
    auto as_key = aes_gcm_open_key(key, nonce, as_bytes("aad"), *sealed);
    ASSERT_TRUE(as_key);
    EXPECT_EQ(bytes(as_key->view().begin(), as_key->view().end()), text(plain));
  }
}

TEST(aes_gcm, refuses_every_flipped_bit_and_every_truncation) {
  auto sealed = *aes_gcm_seal(key, nonce, {}, as_bytes("twenty bytes of text"));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto bad = sealed;
    bad[bit / 8] ^= static_cast<unsigned char>(1 << bit % 8);
    EXPECT_FALSE(aes_gcm_open(key, nonce, {}, bad)) << bit;
  }
  for (std::size_t n = 0; n < sealed.size(); ++n)
    EXPECT_FALSE(aes_gcm_open_key(key, nonce, {}, byte_view{sealed}.first(n))) << n;
}

TEST(aes_gcm, refuses_another_key_nonce_or_aad) {
  auto sealed = *aes_gcm_seal(key, nonce, as_bytes("a"), as_bytes("text"));
  EXPECT_FALSE(aes_gcm_open(bytes(key_bytes, 1), nonce, as_bytes("a"), sealed));
  EXPECT_FALSE(aes_gcm_open(key, bytes(nonce_bytes, 1), as_bytes("a"), sealed));
  EXPECT_FALSE(aes_gcm_open(key, nonce, as_bytes("b"), sealed));
  EXPECT_FALSE(aes_gcm_open(key, nonce, {}, sealed));
}

TEST(aes_gcm, refuses_keys_and_nonces_of_another_size) {
  bytes sealed(tag_bytes);
  for (std::size_t n : {0U, 16U, 31U, 33U}) {
    EXPECT_FALSE(aes_gcm_seal(bytes(n, 1), nonce, {}, {}));
    EXPECT_FALSE(aes_gcm_open(bytes(n, 1), nonce, {}, sealed));
  }
  for (std::size_t n : {0U, 11U, 13U, 16U}) {
    EXPECT_FALSE(aes_gcm_seal(key, bytes(n, 1), {}, {}));
    EXPECT_FALSE(aes_gcm_open_key(key, bytes(n, 1), {}, sealed));
  }
}

TEST(random_keys, differ) {
  auto a = random_key();
  auto b = random_key();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->size(), key_bytes);
  EXPECT_NE(hex_of(a), hex_of(b));
}

TEST(equal_constant_time, compares) {
  EXPECT_TRUE(equal_constant_time(as_bytes("same"), as_bytes("same")));
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_FALSE(equal_constant_time(as_bytes("same"), as_bytes("sane")));
  EXPECT_FALSE(equal_constant_time(as_bytes("same"), as_bytes("sam")));
}

TEST(failures, leave_nothing_in_the_error_queue) {
  ERR_clear_error();
  EXPECT_FALSE(aes_gcm_open(key, nonce, {}, bytes(40)));
  EXPECT_FALSE(parse_private_keys("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"));
  EXPECT_FALSE(private_keys().front().unwrap(bytes(256, 1), {}));
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

} // namespace
