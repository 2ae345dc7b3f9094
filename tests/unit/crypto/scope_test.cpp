#include "infra/crypto/grant/envelope.hpp"
#include "tests/unit/crypto/crypto_vectors.hpp"

#include <algorithm>
#include <set>

using namespace mana;
using namespace mana::crypto;

namespace {

TEST(derivation_v1, gives_all_vectors) {
  auto vectors = test_vectors("hkdf_v1");
  for (auto& v : *vectors.as_array()) {
    auto scope = scope_of(*v.find("derivation"));
    auto info = info_v1(scope);
    EXPECT_EQ(json::value{static_cast<std::int64_t>(info.size())}, *v.find("info_bytes")) << v.text("name");
    EXPECT_EQ(to_hex(sha256(as_bytes(info))), v.text("info_sha256")) << v.text("name");
    EXPECT_EQ(to_hex(as_bytes(scope.mission_id)), v.text("salt_hex")) << v.text("name");
    EXPECT_EQ(hex_of(derive_mdk_v1(master_key(v.text("master_key")), scope)), v.text("mdk_hex")) << v.text("name");
  }
}

TEST(derivation_v1, sorts_by_utf16_code_units) {
  // U+10000 is D800 DC00 in UTF-16 and so lies before U+E000 and U+FFFD, but after U+D7FF.
  EXPECT_EQ(info_v1({"m", {}, {"\xEE\x80\x80", "\xF0\x90\x80\x80", "\xED\x9F\xBF", "z", "\xEF\xBF\xBD"}}),
            "mana-ai-mission-grant:v1:tables=:ids=z,\xED\x9F\xBF,\xF0\x90\x80\x80,\xEE\x80\x80,\xEF\xBF\xBD");
  EXPECT_EQ(info_v1({"m", {"b", "", "a", "ab"}, {}}), "mana-ai-mission-grant:v1:tables=,a,ab,b:ids=");
}

TEST(derivation_v1, takes_bytes_that_are_no_text) {
  // Lone surrogates in UTF-8's clothes, cut sequences: any order, as long as it is one.
  std::vector<std::string> ids{"\xED\xA0\x80", "\xFF", "\xC3", "\xF0\x9F", std::string("\0", 1), ""};
  auto reversed = ids;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(info_v1({"m", {}, ids}), info_v1({"m", {}, reversed}));
}

TEST(derivation_v2, gives_all_vectors) {
  auto vectors = test_vectors("v2");
  for (auto& v : *vectors.find("grants")->as_array()) {
    auto& grant = *v.find("grant");
    auto scope = scope_of(*grant.find("derivation"));
    auto canonical = canonical_grant_v2(v.text("userId"), scope, grant.text("issuedAt"), grant.text("expiresAt"));
    EXPECT_EQ(to_hex(canonical), v.text("canonical_hex")) << v.text("name");
    EXPECT_EQ(to_hex(sha256(canonical)), v.text("canonical_sha256")) << v.text("name");
    EXPECT_EQ(hex_of(derive_mdk_v2(master_key(v.text("master_key")), scope.mission_id, canonical)), v.text("mdk_hex"))
        << v.text("name");
    for (auto& [name, hex] : *v.find("record_key_hex")->as_object()) {
      auto colon = name.find(':');
      EXPECT_EQ(hex_of(record_key(master_key(v.text("master_key")), name.substr(0, colon), name.substr(colon + 1))),
                *hex.as_string());
    }
  }
}

TEST(canonical_form, is_the_same_for_the_same_sets) {
  auto form = [](grant_scope s) { return canonical_grant_v2("u", s, "t1", "t2"); };
  EXPECT_EQ(form({"m", {"b", "a", "b"}, {"n:2", "n:1", "n:2"}}), form({"m", {"a", "b"}, {"n:1", "n:2"}}));
}

// Every way to distribute a few characters over the parts, moved boundaries included.
TEST(canonical_form, belongs_to_one_scope_only) {
  struct parts {
    std::string user, mission, issued, expires;
    std::vector<std::string> tables, ids;
  };
  const std::vector<parts> all{
      {"ab", "c", "d", "e", {"f"}, {"g"}},
      {"a", "bc", "d", "e", {"f"}, {"g"}},
      {"a", "b", "cd", "e", {"f"}, {"g"}},
      {"a", "b", "c", "de", {"f"}, {"g"}},
      {"a", "b", "c", "d", {"ef"}, {"g"}},
      {"a", "b", "c", "d", {"e", "f"}, {"g"}},
      {"a", "b", "c", "d", {"e"}, {"f", "g"}},
      {"a", "b", "c", "d", {"e"}, {"fg"}},
      {"a", "b", "c", "d", {}, {"e", "f", "g"}},
      {"a", "b", "c", "d", {"e", "f", "g"}, {}},
      {"abcdefg", "", "", "", {}, {}},
      {"", "abcdefg", "", "", {}, {}},
      {"", "", "", "", {"abcdefg"}, {}},
      {"", "", "", "", {}, {"abcdefg"}},
      {"", "", "", "", {""}, {}},
      {"", "", "", "", {}, {""}},
      {"", "", "", "", {}, {}},
      {std::string("\0\0\0\1a", 5), "", "", "", {}, {}},
      {"", std::string("\0\0\0\1a", 5), "", "", {}, {}},
  };
  std::set<bytes> forms;
  for (auto& p : all)
    forms.insert(canonical_grant_v2(p.user, {p.mission, p.tables, p.ids}, p.issued, p.expires));
  EXPECT_EQ(forms.size(), all.size());
}

} // namespace
