// What users see of their decrypts, and the end of an account:
//
//   GET /api/v1/me/ai-audit?missionId&limit&cursor   Bearer          their rows, newest first
//   GET /api/v1/me/ai-audit/verify                   Bearer          whether the chain holds
//   GET /api/v1/me/ai-audit/head                     Bearer          the newest row, signed
//   DELETE /internal/users/{id}                      X-Service-Key   forgets a user
#pragma once

#include "http/server/identity.hpp"
#include "http/server/router.hpp"
#include "infra/config/secret_text.hpp"
#include "infra/crypto/signing_keys.hpp"
#include "messages/runner_handles.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mana::http {

// See runner_front about the functions.
struct audit_front {
  caf::actor_system* system = nullptr;
  std::function<runner_handles()> handles;
  identity_check identify;                   // empty: no token is known, nobody gets in
  std::optional<crypto::signing_key> signer; // absent: heads are not signed
  config::secret_text service_key;           // empty: nobody gets in
};

void add_audit_routes(router& r, audit_front front);

// -- the pure parts -----------------------------------------------------------------------------------

// Filter and page of a request; the user comes from the token. bad_request names the parameter.
result<list_audit> read_audit_query(const std::map<std::string, std::string>& query, user_id user);

// A position as an opaque text, and back; nullopt: not one of ours.
std::string audit_cursor(std::int64_t position);
std::optional<std::int64_t> position_of_cursor(std::string_view cursor);

// `{rows:[{id, missionId, iterationId, tableName, recordId, status, reason, ts, runId, position,
// previousHash, hash}], nextCursor}`
std::string audit_page_json(const audit_page& page);
// `{ok, rows, head:{position, hash}, firstBad:null|{position, id, problem}}`
std::string audit_verdict_json(const audit_verdict& verdict);
// `{statement:{userId, position, hash, at}, canonical, signature, keyId, publicKey}`; internal when the
// key does not sign.
result<std::string> audit_head_json(const user_id& user, const audit_head& head, const crypto::signing_key& signer);

} // namespace mana::http
