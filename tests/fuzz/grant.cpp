// Grants as anyone with write access to the log could put them there. The seeds that open are those of
// the contract's vectors, whose keys are used.
#include "infra/crypto/grant/grant.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace mana;
using namespace mana::crypto;
using mana::fuzz::require;

namespace {

constexpr std::string_view user = "user-1";
constexpr std::string_view mission = "mission-abc";
constexpr timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 4 / 16}};

const std::vector<rsa_private_key>& keys() {
  static const auto parsed = [] {
    std::ifstream in{MANA_TEST_DATA "/vectors/vectors.json"};
    auto vectors = json::parse(std::string{std::istreambuf_iterator<char>{in}, {}});
    require(bool{vectors});
    return *parse_private_keys(vectors->find("rsa")->text("private_key_pkcs8_pem"));
  }();
  return parsed;
}

using outcome = std::variant<opened_grant, grant_skip>;

outcome open(const json::value& grant, bool revoked) {
  return open_grant(grant, user, mission, now, revoked, {keys()});
}

void a_revoked_grant_never_opens(const json::value& grant) {
  require(std::holds_alternative<grant_skip>(open(grant, true)));
}

void an_opened_grant_has_keys_in_its_scope_only(const json::value& grant, const opened_grant& opened) {
  require(grant_fingerprint(grant).has_value());
  require(opened.mdk().size() == key_bytes);
  require(!opened.allows("notes", "n9") || opened.version() == 1);
  require(!opened.key_of("notes", "n9"));
  auto key = opened.key_of("notes", "n1");
  require(!key || key->size() == key_bytes);
}

// -- canonical form ----------------------------------------------------------------------------------

using names = std::vector<std::string>;

names as_set(names list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

bool is_same_scope(const grant_scope& a, const grant_scope& b) {
  return a.mission_id == b.mission_id && as_set(a.tables) == as_set(b.tables)
         && as_set(a.record_ids) == as_set(b.record_ids);
}

// The text in pieces: at each separator one of the lists goes on.
grant_scope scope_from(std::string_view text, char separator) {
  grant_scope out;
  auto* list = &out.tables;
  for (std::size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find(separator, at), text.size());
    list->emplace_back(text.substr(at, end - at));
    list = list->size() % 2 == 0 ? &out.tables : &out.record_ids;
    at = end + 1;
  }
  out.mission_id = text.substr(0, text.size() / 3);
  return out;
}

void two_scopes_share_no_canonical_form(std::string_view text) {
  auto half = text.size() / 2;
  for (char separator : {',', '\0', 'a'}) {
    auto a = scope_from(text.substr(0, half), separator);
    auto b = scope_from(text.substr(half), separator);
    require(is_same_scope(a, b) == (canonical_grant_v2("u", a, "t", "t") == canonical_grant_v2("u", b, "t", "t")));
    info_v1(a);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  two_scopes_share_no_canonical_form(input);
  auto grant = json::parse(input);
  if (!grant)
    return 0;
  grant_fingerprint(*grant);
  a_revoked_grant_never_opens(*grant);
  auto opened = open(*grant, false);
  if (auto* g = std::get_if<opened_grant>(&opened))
    an_opened_grant_has_keys_in_its_scope_only(*grant, *g);
  return 0;
}
