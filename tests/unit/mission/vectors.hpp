// The contract's test vectors.
#pragma once

#include "infra/json/value.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace mana {

inline json::value test_vectors(std::string_view section) {
  std::ifstream in{MANA_TEST_DATA "/vectors/vectors.json"};
  std::stringstream text;
  text << in.rdbuf();
  auto all = json::parse(text.str());
  EXPECT_TRUE(all) << "tests/vectors/vectors.json is missing or malformed";
  auto* found = all ? all->find(section) : nullptr;
  EXPECT_NE(found, nullptr) << section;
  return found == nullptr ? json::value{} : *found;
}

inline json::value from_text(std::string_view text) {
  auto v = json::parse(text);
  EXPECT_TRUE(v) << text;
  return v ? *v : json::value{};
}

} // namespace mana
