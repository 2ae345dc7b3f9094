// Key grants (contract, sections 4 and 5):
//
//   POST /api/v1/me/ai-mission-grant {missionId, tables, recordIds, ttlMs?}   200, the grant
//
// 400 BAD_REQUEST · 503 GRANT_NOT_CONFIGURED · 404 VAULT_NOT_INITIALISED · 409 ZK_ACTIVE ·
// 429 RATE_LIMITED with Retry-After; limits: actors/grant_issuer/grant_rules.hpp.
#pragma once

#include "http/auth_front.hpp"

namespace mana::http {

void add_grant_routes(router& r, auth_front_ptr front);

// -- the pure part ------------------------------------------------------------------------------------

// bad_request names the field whose type is wrong or that is missing. A ttlMs of any size is taken.
result<issue_mission_grant> grant_request_of(const user_id& user, const json::value& body);

} // namespace mana::http
