#include "infra/crypto/base64.hpp"

#include <gtest/gtest.h>

using namespace mana;
using namespace mana::crypto;

namespace {

std::string text_of(const std::optional<bytes>& b) { return b ? std::string{b->begin(), b->end()} : "nothing"; }

struct pair {
  std::string plain;
  std::string encoded;
};

// RFC 4648, section 10.
const pair rfc_vectors[] = {{"", ""},
                            {"f", "Zg=="},
                            {"fo", "Zm8="},
                            {"foo", "Zm9v"},
                            {"foob", "Zm9vYg=="},
                            {"fooba", "Zm9vYmE="},
                            {"foobar", "Zm9vYmFy"}};

TEST(base64, knows_the_vectors_of_its_rfc) {
  for (auto& v : rfc_vectors) {
    EXPECT_EQ(to_base64(as_bytes(v.plain)), v.encoded);
    EXPECT_EQ(text_of(from_base64(v.encoded)), v.plain);
  }
}

TEST(base64, is_read_without_padding_too) {
  EXPECT_EQ(text_of(from_base64("Zg")), "f");
  EXPECT_EQ(text_of(from_base64("Zm8")), "fo");
}

TEST(base64, is_refused_when_anything_is_off) {
  for (auto* text :
       {"Z",      "Zg=",  "Zg===",  "Z===", "====", "=",    "==",   "Zg==Zg==", "Zm8==",       "Zm9v=", " Zg==",
        "Zg==\n", "Z g=", "Zm9v\n", "Zm-v", "Zm_v", "Zh==", "Zm9=", "Zm9",      "Z\xC3\xA4==", "Zg=a"})
    EXPECT_FALSE(from_base64(text)) << text;
  EXPECT_FALSE(from_base64(std::string_view{"Zm9\0", 4}));
}

TEST(base64, of_every_byte_comes_back) {
  bytes all;
  for (int i = 0; i < 256; ++i) {
    all.push_back(static_cast<unsigned char>(i));
    EXPECT_EQ(from_base64(to_base64(all)), all);
    EXPECT_EQ(from_base64url(to_base64url(all)), all);
  }
}

TEST(base64, has_its_url_alphabet_without_padding) {
  bytes data{0xFB, 0xFF, 0xFE, 0x01};
  EXPECT_EQ(to_base64(data), "+//+AQ==");
  EXPECT_EQ(to_base64url(data), "-__-AQ");
  EXPECT_EQ(from_base64url("-__-AQ"), data);
  for (auto* text : {"-__-AQ==", "+//+AQ", "-__-AR", "A", "-__-AQ\n"})
    EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(base64, of_a_key_goes_between_secure_memory_and_sensitive_text) {
  auto key = secret_from_base64("Zm9vYg==");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->size(), 4U);
  EXPECT_EQ(to_base64(*key).view(), "Zm9vYg==");
  EXPECT_FALSE(secret_from_base64("Zm9vYg="));
  EXPECT_FALSE(secret_from_base64("Zm9vY!=="));
}

TEST(base64, of_nothing_is_an_empty_key) {
  auto key = secret_from_base64("");
  ASSERT_TRUE(key);
  EXPECT_TRUE(*key);
  EXPECT_EQ(key->size(), 0U);
  EXPECT_TRUE(to_base64(*key).empty());
}

TEST(hex, is_lower_case) { EXPECT_EQ(to_hex(bytes{0x00, 0x9A, 0xFF}), "009aff"); }

} // namespace
