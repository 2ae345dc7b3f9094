#include "actors/key_vault/kek_ring.hpp"

#include "tests/unit/crypto/crypto_vectors.hpp"

using namespace mana;
using crypto::hex_of;

namespace {

// 32 bytes each.
const std::string key_a = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string key_b = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

std::string problem(const std::string& setting) {
  auto ring = kek_ring::parse(setting);
  return ring ? "" : ring.error().detail;
}

TEST(kek_ring, takes_one_key_without_an_id_as_v1) {
  auto ring = kek_ring::parse(key_a);
  ASSERT_TRUE(ring) << ring.error().detail;
  EXPECT_EQ(ring->size(), 1u);
  EXPECT_EQ(ring->first_id(), "v1");
}

TEST(kek_ring, wraps_with_the_first_and_unwraps_with_each) {
  auto old_ring = *kek_ring::parse("2025:" + key_a);
  auto ring = *kek_ring::parse("2026.q1:" + key_b + ",2025:" + key_a);
  auto master = *crypto::random_key();
  auto wrapped = *ring.wrap(master);
  EXPECT_EQ(wrapped.kek_id, "2026.q1");
  EXPECT_EQ(hex_of(*ring.unwrap(wrapped)), hex_of(crypto::secret::copy_of(master.view())));
  EXPECT_EQ(hex_of(*ring.unwrap(*old_ring.wrap(master))), hex_of(crypto::secret::copy_of(master.view())));
}

TEST(kek_ring, opens_the_contracts_vectors) {
  auto vault = test_vectors("vault");
  for (auto& v : *vault.find("kek_wrap")->as_array()) {
    auto ring = kek_ring::parse(v.text("kek_b64"));
    ASSERT_TRUE(ring) << ring.error().detail;
    auto opened = ring->unwrap({std::string{v.text("wrapped_mk")}, std::string{v.text("wrap_iv")}, "v1"});
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(crypto::to_hex(opened->view()), hex_of(crypto::master_key(v.text("master_key"))));
  }
}

TEST(kek_ring, refuses_what_is_no_list_of_keys) {
  EXPECT_EQ(problem(""), "key 1 is not base64 of 32 bytes");
  EXPECT_EQ(problem("v1:AAAA"), "key 1 is not base64 of 32 bytes");
  EXPECT_EQ(problem("a:" + key_a + ",b:" + key_b + "x"), "key 2 is not base64 of 32 bytes");
  EXPECT_EQ(problem("a:" + key_a + ","), "key 2 is not base64 of 32 bytes");
  EXPECT_EQ(problem("a:" + key_a + ",a:" + key_b), "key 2 has the id of another key");
  EXPECT_EQ(problem(key_a + ",v1:" + key_b), "key 2 has the id of another key");
  for (const std::string& id : {std::string{}, std::string{"a b"}, std::string{"ä"}, std::string(65, 'x')})
    EXPECT_NE(problem(id + ':' + key_a).find("key 1 has an id"), std::string::npos) << id;
}

TEST(kek_ring, does_not_repeat_a_key_in_its_errors) {
  auto wrong = problem("a:" + key_a + "=");
  EXPECT_FALSE(wrong.empty());
  EXPECT_EQ(wrong.find(key_a.substr(0, 8)), std::string::npos);
}

TEST(kek_ring, tells_a_missing_key_from_one_that_does_not_fit) {
  auto ring = *kek_ring::parse("a:" + key_a);
  auto wrapped = *ring.wrap(*crypto::random_key());
  auto missing = kek_ring::parse("b:" + key_b)->unwrap(wrapped);
  EXPECT_EQ(missing.error(), (failure{errc::vault_key_unknown, "no KEK a is configured"}));
  auto other = kek_ring::parse("a:" + key_b)->unwrap(wrapped);
  EXPECT_EQ(other.error(), (failure{errc::vault_key_unknown, "KEK a does not open the vault"}));
  auto changed = wrapped;
  changed.ciphertext[0] = changed.ciphertext[0] == 'A' ? 'B' : 'A';
  EXPECT_EQ(ring.unwrap(changed).error().code, errc::vault_key_unknown);
}

} // namespace
