#include "infra/crypto/password_hash.hpp"

#include "infra/crypto/base64.hpp"

#include <openssl/evp.h>

#include <gtest/gtest.h>

#include <array>

using namespace mana;

TEST(password_hash, the_right_password_matches_and_no_other) {
  auto encoded = crypto::hash_password("correct horse");
  ASSERT_TRUE(encoded);
  EXPECT_TRUE(encoded->starts_with("$scrypt$ln=15,r=8,p=1$"));
  EXPECT_EQ(encoded->find("horse"), std::string::npos);
  EXPECT_EQ(crypto::password_matches("correct horse", *encoded), true);
  EXPECT_EQ(crypto::password_matches("correct horsf", *encoded), false);
  EXPECT_EQ(crypto::password_matches("", *encoded), false);
}

TEST(password_hash, every_hash_has_a_salt_of_its_own) {
  EXPECT_NE(crypto::hash_password("correct horse"), crypto::hash_password("correct horse"));
}

TEST(password_hash, a_hash_of_another_cost_is_understood) {
  const std::array<unsigned char, 16> salt{1, 2, 3};
  std::array<unsigned char, 32> key{};
  ASSERT_EQ(EVP_PBE_scrypt("pw", 2, salt.data(), salt.size(), 1u << 12, 4, 1, 64u << 20, key.data(), key.size()), 1);
  auto encoded = "$scrypt$ln=12,r=4,p=1$" + crypto::to_base64(salt) + '$' + crypto::to_base64(key);
  EXPECT_EQ(crypto::password_matches("pw", encoded), true);
}

TEST(password_hash, text_that_is_no_such_hash_matches_nothing) {
  auto good = *crypto::hash_password("correct horse");
  auto tail = good.substr(good.find("p=1") + 3);
  for (auto& text :
       {std::string{}, std::string{"correct horse"}, "$scrypt$ln=63,r=8,p=1" + tail,
        "$scrypt$ln=15,r=8,p=99999999999" + tail, "$scrypt$ln=15,r=8" + tail, "$argon2$ln=15,r=8,p=1" + tail,
        good + "$", good + "A", good.substr(0, good.size() - 4), std::string{"$scrypt$ln=15,r=8,p=1$$"}})
    EXPECT_EQ(crypto::password_matches("correct horse", text), false) << text;
}
