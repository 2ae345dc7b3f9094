// What a grant binds and how its key is derived.
#include "infra/crypto/framing.hpp"
#include "infra/crypto/grant/grant.hpp"

#include <algorithm>

namespace mana::crypto {

namespace {

constexpr std::string_view v2_mark = "mana-ai-mission-grant:v2";

void append_set(bytes& out, std::vector<std::string> list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  append_count(out, static_cast<std::uint32_t>(list.size()));
  for (auto& s : list)
    append_framed(out, s);
}

// UTF-8 sorts by code point. UTF-16 sorts code points above U+FFFF (lead bytes F0 and up) by their
// surrogates, and these lie below U+E000 to U+FFFF (lead bytes EE and EF).
int utf16_weight(char c) {
  int byte = static_cast<unsigned char>(c);
  return byte == 0xEE || byte == 0xEF ? byte + 0x100 : byte;
}

bool less_as_utf16(const std::string& a, const std::string& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return utf16_weight(x) < utf16_weight(y); });
}

std::string sorted_and_joined(std::vector<std::string> list) {
  std::sort(list.begin(), list.end(), less_as_utf16);
  std::string out;
  for (std::string_view separator; auto& s : list) {
    out.append(separator).append(s);
    separator = ",";
  }
  return out;
}

} // namespace

bytes canonical_grant_v2(std::string_view user_id, const grant_scope& scope, std::string_view issued_at,
                         std::string_view expires_at) {
  bytes out;
  append_raw(out, v2_mark);
  for (auto s : {user_id, std::string_view{scope.mission_id}, issued_at, expires_at})
    append_framed(out, s);
  append_set(out, scope.tables);
  append_set(out, scope.record_ids);
  return out;
}

std::optional<secret> derive_mdk_v2(const secret& master_key, std::string_view mission_id, byte_view canonical) {
  bytes info;
  append_raw(info, v2_mark);
  auto hash = sha256(canonical);
  info.insert(info.end(), hash.begin(), hash.end());
  return hkdf_sha256(master_key.view(), as_bytes(mission_id), info);
}

std::string info_v1(const grant_scope& scope) {
  return "mana-ai-mission-grant:v1:tables=" + sorted_and_joined(scope.tables)
         + ":ids=" + sorted_and_joined(scope.record_ids);
}

std::optional<secret> derive_mdk_v1(const secret& master_key, const grant_scope& scope) {
  return hkdf_sha256(master_key.view(), as_bytes(scope.mission_id), as_bytes(info_v1(scope)));
}

} // namespace mana::crypto
