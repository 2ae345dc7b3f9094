// What operators do about missions that end their runners:
//
//   GET  /internal/quarantine           X-Service-Key   `{"missions":[{userId, missionId, since, lastError}]}`
//   POST /internal/quarantine/release   X-Service-Key   `{userId, missionId}`; `{"wasQuarantined"}`
#pragma once

#include "http/runner_routes.hpp"
#include "messages/mission_quarantine.hpp"

#include <string>
#include <string_view>

namespace mana::http {

void add_quarantine_routes(router& r, runner_front front);

// -- the pure parts -----------------------------------------------------------------------------------

// bad_request names the member that is missing or wrong; limit_exceeded: the body is larger than 4 KiB.
result<mission_key> read_release(std::string_view body);

std::string quarantined_json(const quarantined_missions& list);

} // namespace mana::http
