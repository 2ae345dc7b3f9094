// The vault's two wraps are nothing but these primitives: the vectors hold for them.
#include "tests/unit/crypto/crypto_vectors.hpp"

using namespace mana;
using namespace mana::crypto;

namespace {

TEST(vault_vectors, master_keys_open_with_their_kek) {
  auto vault = test_vectors("vault");
  for (auto& v : *vault.find("kek_wrap")->as_array()) {
    auto kek = secret_from_base64(v.text("kek_b64"));
    auto iv = from_base64(v.text("wrap_iv"));
    auto wrapped = from_base64(v.text("wrapped_mk"));
    ASSERT_TRUE(kek && iv && wrapped);
    EXPECT_EQ(wrapped->size(), key_bytes + tag_bytes);
    EXPECT_EQ(hex_of(aes_gcm_open_key(kek->view(), *iv, {}, *wrapped)), hex_of(master_key(v.text("master_key"))));
    EXPECT_EQ(aes_gcm_seal(kek->view(), *iv, {}, master_key(v.text("master_key")).view()), wrapped);
  }
}

TEST(vault_vectors, the_recovery_wrap_opens_with_the_derived_key) {
  auto vault = test_vectors("vault");
  auto& v = *vault.find("recovery");
  auto info = v.find("hkdf")->text("info");
  auto wrap_key = hkdf_sha256(from_hex(v.text("secret_hex")), {}, as_bytes(info));
  ASSERT_EQ(hex_of(wrap_key), v.text("wrap_key_hex"));
  auto iv = from_base64(v.text("recoveryIv"));
  auto wrapped = from_base64(v.text("recoveryWrappedMk"));
  ASSERT_TRUE(iv && wrapped);
  EXPECT_EQ(hex_of(aes_gcm_open_key(wrap_key->view(), *iv, {}, *wrapped)), hex_of(master_key(v.text("master_key"))));
}

} // namespace
