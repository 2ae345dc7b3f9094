// What a signed-in user's browser app asks of the runner. All with `Authorization: Bearer`:
//
//   GET    /api/v1/me/missions                              their missions and budgets, see my_missions_json()
//   POST   /api/v1/me/missions/{missionId}/foreground-run   leases the due slot to this tab
//   PUT    /api/v1/me/missions/{missionId}/foreground-run   `{leaseToken}`: renews that
//   DELETE /api/v1/me/missions/{missionId}/foreground-run   ?leaseToken=: gives it back
//   GET    /api/v1/me/llm                                   where prompts go
//   POST   /api/v1/me/llm/chat/completions                  a call through the runner's LLM client
#pragma once

#include "http/chat_request.hpp"
#include "http/llm_place.hpp"
#include "http/server/identity.hpp"
#include "http/server/router.hpp"
#include "messages/runner_handles.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace mana::http {

// See runner_front about the functions.
struct user_front {
  caf::actor_system* system = nullptr;
  std::function<runner_handles()> handles;
  identity_check identify; // empty: no token is known, nobody gets in
  llm_place llm;
};

void add_user_routes(router& r, user_front front);

// -- the pure parts -----------------------------------------------------------------------------------

// `{now, missions:[{missionId, title, state, nextRunAt, retryAt, leasedUntil, leasedBy, attempts, lastError,
// notRunningBecause}], budget}`; leasedBy is server, browser or null.
std::string my_missions_json(const mission_list& list);

std::string foreground_run_json(const foreground_run& run);

std::string llm_place_json(const llm_place& place);

// The token of a renewal's body, or of a query; bad_request names what is missing or wrong.
result<lease_token> read_lease_token(std::string_view text);
result<lease_token> read_renewal(std::string_view body);

} // namespace mana::http
