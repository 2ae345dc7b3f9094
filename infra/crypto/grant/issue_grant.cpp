#include "infra/crypto/base64.hpp"
#include "infra/crypto/grant/envelope.hpp"
#include "infra/crypto/grant/grant.hpp"

#include <algorithm>

namespace mana::crypto {

namespace {

failure failed(std::string what) { return {errc::internal, "issuing a grant: " + std::move(what)}; }

bool fits(const std::string& s) { return s.size() <= max_grant_text; }

bool fits(const std::vector<std::string>& list) {
  return list.size() <= max_grant_records
         && std::all_of(list.begin(), list.end(), [](const std::string& s) { return fits(s); });
}

std::optional<failure> wrong_with(const grant_scope& scope) {
  for (auto& [member, fine] : {std::pair{"missionId", fits(scope.mission_id)},
                               {"tables", fits(scope.tables)},
                               {"recordIds", fits(scope.record_ids)}})
    if (!fine)
      return failure{errc::limit_exceeded, member};
  auto& ids = scope.record_ids;
  if (std::any_of(ids.begin(), ids.end(), [](const std::string& id) { return id.find(':') == id.npos; }))
    return failure{errc::bad_request, "recordIds"};
  return std::nullopt;
}

void make_set(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// base64(IV‖ciphertext‖tag): the record's key under the MDK.
std::optional<std::string> sealed_record_key(const secret& master_key, const secret& mdk, const std::string& name) {
  auto colon = name.find(':');
  auto key = record_key(master_key, name.substr(0, colon), name.substr(colon + 1));
  bytes out(nonce_bytes);
  if (!key || !random_bytes(out.data(), out.size()))
    return std::nullopt;
  auto sealed = aes_gcm_seal(mdk.view(), out, as_bytes(name), key->view());
  if (!sealed)
    return std::nullopt;
  out.insert(out.end(), sealed->begin(), sealed->end());
  return to_base64(out);
}

std::optional<json::object> sealed_record_keys(const secret& master_key, const secret& mdk,
                                               const std::vector<std::string>& names) {
  json::object out;
  for (auto& name : names) {
    auto sealed = sealed_record_key(master_key, mdk, name);
    if (!sealed)
      return std::nullopt;
    out.set(name, std::move(*sealed));
  }
  return out;
}

json::array texts(const std::vector<std::string>& list) { return {list.begin(), list.end()}; }

json::object derivation(const grant_scope& scope) {
  return {{"version", "v2"},
          {"missionId", scope.mission_id},
          {"tables", texts(scope.tables)},
          {"recordIds", texts(scope.record_ids)}};
}

} // namespace

result<json::value> issue_grant(const grant_request& request, const secret& master_key, const rsa_public_key& runner) {
  if (auto wrong = wrong_with(request.scope))
    return std::move(*wrong);
  auto scope = request.scope;
  make_set(scope.tables);
  make_set(scope.record_ids);
  auto issued_at = to_iso(request.issued_at);
  auto expires_at = to_iso(request.expires_at);
  auto canonical = canonical_grant_v2(request.user_id, scope, issued_at, expires_at);
  auto mdk = derive_mdk_v2(master_key, scope.mission_id, canonical);
  if (!mdk)
    return failed("the key could not be derived");
  auto wrapped = runner.wrap(*mdk, sha256(canonical));
  if (!wrapped)
    return failed("the key could not be wrapped");
  auto record_keys = sealed_record_keys(master_key, *mdk, scope.record_ids);
  if (!record_keys)
    return failed("a record's key could not be sealed");
  return json::value{json::object{{"wrappedKey", to_base64(*wrapped)},
                                  {"derivation", derivation(scope)},
                                  {"issuedAt", issued_at},
                                  {"expiresAt", expires_at},
                                  {"keyId", runner.key_id()},
                                  {"recordKeys", std::move(*record_keys)}}};
}

} // namespace mana::crypto
