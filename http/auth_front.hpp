// What the routes of the auth target share: who is asked, who is calling, and how their bodies are
// read.
#pragma once

#include "http/probe_routes.hpp"
#include "http/server/identity.hpp"
#include "http/server/router.hpp"
#include "infra/json/value.hpp"
#include "messages/auth_handles.hpp"
#include "messages/schema_keeper.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace mana::http {

// The functions are called on the server's loop, must not block, and live as long as the loop runs.
struct auth_front {
  caf::actor_system* system = nullptr;
  std::function<auth_handles()> handles;
  std::function<schema_status()> schema;
  identity_check identify;
};
using auth_front_ptr = std::shared_ptr<const auth_front>;

// The actors end at the database, which answers earlier: statements have 10 s, see the login's role.
inline constexpr std::chrono::seconds auth_actor_timeout{30};

// auth_database and auth_migrations of /ready.
probed_target probed_auth(auth_front_ptr front);

// A route for a user who has proven to be one; others get 401.
using user_route = boost::asio::awaitable<response> (*)(auth_front_ptr, user_id, request);
handler for_user(auth_front_ptr front, user_route route);

// The request's body, which must be a JSON object. bad_request, json_malformed.
result<json::value> object_body(const request& req);

response json_response(unsigned status, std::string body);
response no_content();

} // namespace mana::http
