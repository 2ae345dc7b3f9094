// What operators do about missions that end their runners:
//
//   GET  /internal/missions/quarantined   X-Service-Key   `{"missions":[{userId, missionId, since, lastError}]}`
//   POST /internal/missions/release       X-Service-Key   `{userId, missionId}`; `{"wasQuarantined"}`
#pragma once

#include "http/runner_routes.hpp"
#include "messages/mission_quarantine.hpp"

#include <string>
#include <string_view>

namespace mana::http {

// Before add_runner_routes, whose `/internal/missions/{userId}` fits these paths, too: the first route that fits
// is taken.
void add_quarantine_routes(router& r, runner_front front);

// -- the pure parts -----------------------------------------------------------------------------------

// bad_request names the member that is missing or wrong.
result<mission_key> read_release(std::string_view body);

std::string quarantined_json(const quarantined_missions& list);

} // namespace mana::http
