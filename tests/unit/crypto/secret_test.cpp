#include "infra/crypto/secret.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace mana::crypto;

namespace {

TEST(secret, is_zeroed_when_made) {
  auto s = secret::make(64);
  ASSERT_TRUE(s);
  EXPECT_TRUE(std::all_of(s->data(), s->data() + 64, [](auto b) { return b == 0; }));
}

TEST(secret, copies_what_it_is_given_once) {
  const bytes source{1, 2, 3};
  auto s = secret::copy_of(source);
  ASSERT_TRUE(s);
  EXPECT_EQ(bytes(s->view().begin(), s->view().end()), source);
  EXPECT_NE(s->data(), source.data());
}

TEST(secret, moves_its_pointer_and_never_its_bytes) {
  auto s = *secret::make(32);
  auto* where = s.data();
  secret other{std::move(s)};
  EXPECT_EQ(other.data(), where);
  EXPECT_FALSE(s); // NOLINT(bugprone-use-after-move): that is the point
  secret third;
  EXPECT_FALSE(third);
  third = std::move(other);
  EXPECT_EQ(third.data(), where);
  EXPECT_EQ(third.size(), 32U);
}

TEST(secret, of_no_bytes_is_one_all_the_same) {
  auto s = secret::make(0);
  ASSERT_TRUE(s);
  EXPECT_TRUE(*s);
  EXPECT_TRUE(s->view().empty());
}

} // namespace
