#include "infra/crypto/grant/envelope.hpp"

#include "tests/unit/crypto/crypto_vectors.hpp"

using namespace mana;
using namespace mana::crypto;

namespace {

std::string error_of(const opened_value& v) { return v.json ? "ok" : std::string{to_string(v.error)}; }

TEST(envelope, is_told_from_plain_text_by_its_prefix) {
  EXPECT_EQ(envelope_of("enc:1:"), envelope_version::enc1);
  EXPECT_EQ(envelope_of("enc:2:AAAA.BBBB"), envelope_version::enc2);
  for (auto* plain : {"", "enc", "enc:", "enc:1", "enc:3:x", "enc:12:x", "ENC:1:x.y", " enc:1:x.y", "text"})
    EXPECT_EQ(envelope_of(plain), std::nullopt) << plain;
}

TEST(enc1, opens_all_vectors) {
  auto vectors = test_vectors("enc1");
  for (auto& v : *vectors.find("ok")->as_array()) {
    auto key = from_hex(vectors.find("keys")->text(v.text("key")));
    auto opened = open_enc1(key, v.text("blob"));
    ASSERT_TRUE(opened.json) << v.text("name");
    EXPECT_EQ(to_hex(sha256(as_bytes(opened.json->view()))), v.text("plaintext_sha256")) << v.text("name");
    EXPECT_EQ(from_text(opened.json->view()), *v.find("value")) << v.text("name");
  }
}

// Whether the plaintext is JSON is the reader's question: here such values open.
TEST(enc1, refuses_all_vectors_that_it_should) {
  auto vectors = test_vectors("enc1");
  for (auto& v : *vectors.find("fail")->as_array()) {
    auto key = from_hex(vectors.find("keys")->text(v.text("key")));
    auto opened = open_enc1(key, v.text("blob"));
    if (v.text("reason") == "decrypt-failed") {
      EXPECT_FALSE(opened.json && json::parse(opened.json->view())) << v.text("name");
    } else {
      EXPECT_EQ(error_of(opened), v.text("reason")) << v.text("name");
    }
  }
}

TEST(enc1, passes_other_values_on) {
  auto vectors = test_vectors("enc1");
  for (auto& v : *vectors.find("passthrough")->as_array())
    if (auto* s = v.find("value")->as_string()) {
      EXPECT_NE(envelope_of(*s), envelope_version::enc1) << *s;
    }
}

TEST(enc2, opens_all_vectors) {
  auto vectors = test_vectors("v2");
  for (auto& v : *vectors.find("enc2")->as_array()) {
    auto key = record_key(master_key(v.text("master_key")), v.text("table"), v.text("recordId"));
    ASSERT_TRUE(key);
    auto opened = open_enc2(key->view(), v.text("table"), v.text("recordId"), v.text("field"), v.text("blob"));
    ASSERT_TRUE(opened.json) << error_of(opened);
    EXPECT_EQ(from_text(opened.json->view()), *v.find("value"));
  }
}

TEST(enc2, refuses_all_vectors_that_it_should) {
  auto vectors = test_vectors("v2");
  for (auto& v : *vectors.find("enc2_fail")->as_array()) {
    auto key = record_key(master_key(v.text("master_key")), v.text("table"), v.text("recordId"));
    ASSERT_TRUE(key);
    auto opened = open_enc2(key->view(), v.text("table"), v.text("recordId"), v.text("field"), v.text("blob"));
    EXPECT_EQ(error_of(opened), v.text("reason")) << v.text("name");
  }
}

struct sealed_value : testing::Test {
  secret key = *random_key();
  std::string value = *seal_enc2(key.view(), "notes", "n1", "title", "\"Text\"");

  std::string opens(std::string_view v) const { return error_of(open_enc2(key.view(), "notes", "n1", "title", v)); }
};

TEST_F(sealed_value, opens_in_its_place_only) {
  EXPECT_EQ(opens(value), "ok");
  auto tampered = to_string(open_error::tampered_or_wrong_key);
  EXPECT_EQ(error_of(open_enc2(key.view(), "tasks", "n1", "title", value)), tampered);
  EXPECT_EQ(error_of(open_enc2(key.view(), "notes", "n2", "title", value)), tampered);
  EXPECT_EQ(error_of(open_enc2(key.view(), "notes", "n1", "content", value)), tampered);
  EXPECT_EQ(error_of(open_enc2(random_key()->view(), "notes", "n1", "title", value)), tampered);
}

TEST_F(sealed_value, is_sealed_differently_every_time) {
  EXPECT_NE(*seal_enc2(key.view(), "notes", "n1", "title", "\"Text\""), value);
}

TEST_F(sealed_value, is_refused_in_every_prefix) {
  for (std::size_t n = 0; n < value.size(); ++n) {
    // Without its padding a value is still whole.
    if (value.substr(n).find_first_not_of('=') == std::string::npos && value.size() - n == 2)
      continue;
    EXPECT_NE(opens(value.substr(0, n)), "ok") << n;
  }
}

TEST_F(sealed_value, is_refused_with_any_bit_flipped) {
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    auto bad = value;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(opens(bad), "ok") << bit;
  }
}

TEST_F(sealed_value, is_malformed_in_another_shape) {
  auto parts = value.substr(6);
  auto dot = parts.find('.');
  auto iv = parts.substr(0, dot);
  auto sealed = parts.substr(dot + 1);
  for (auto& bad : {"enc:2:", "enc:2:.", "enc:1:", "enc:2", ""})
    EXPECT_EQ(opens(bad), "ciphertext-malformed") << bad;
  for (auto& bad :
       {"enc:2:" + iv, "enc:2:" + iv + ".", "enc:2:." + sealed, "enc:1:" + iv + "." + sealed,
        "enc:2:" + iv + iv + "." + sealed, "enc:2:" + iv + "." + sealed + ".", "enc:2: " + iv + "." + sealed,
        "enc:2:" + iv + "." + sealed + "\n", "enc:2:" + iv + ".AAAA", "enc:2:" + iv + ".\xFF\xFE"})
    EXPECT_EQ(opens(bad), "ciphertext-malformed") << bad;
}

TEST_F(sealed_value, may_be_large) {
  std::string large(3'000'000, 'x');
  auto v = seal_enc2(key.view(), "notes", "n1", "title", large);
  ASSERT_TRUE(v);
  auto opened = open_enc2(key.view(), "notes", "n1", "title", *v);
  ASSERT_TRUE(opened.json);
  EXPECT_EQ(opened.json->view(), large);
}

TEST(enc_with_a_bad_key, does_not_open) {
  EXPECT_FALSE(seal_enc2(bytes(16), "notes", "n1", "title", "1"));
  auto value = *seal_enc2(bytes(32), "notes", "n1", "title", "1");
  EXPECT_EQ(error_of(open_enc2(bytes(31), "notes", "n1", "title", value)), "ciphertext-tampered-or-wrong-key");
}

} // namespace
