// Sign-in of the standalone mode:
//
//   POST /api/v1/auth/register  {name, password}  201 {userId}; only when registration is open
//   POST /api/v1/auth/login     {name, password}  200 {userId, accessToken, expiresAt} and the cookie
//   POST /api/v1/auth/refresh   (cookie)          as login, the cookie replaced; 401 also removes it
//   POST /api/v1/auth/logout    (cookie)          204, the cookie removed
//
// The refresh token is in no body and out of reach of scripts: HttpOnly, SameSite=Strict, sent to these
// routes only. A request whose Origin is neither this service nor a configured app gets 403: SameSite
// counts other ports and sibling domains as the same site, and nobody shall be signed in by another's page.
#pragma once

#include "http/server/origin.hpp"
#include "http/server/router.hpp"
#include "messages/sign_in.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mana::http {

// `sign_in` is called on the server's loop; an empty handle: the service is starting or stopping.
struct sign_in_front {
  caf::actor_system* system = nullptr;
  std::function<sign_in_actor()> sign_in;
  std::string base_url; // of this service as browsers see it
  std::vector<std::string> cors_origins;
  std::chrono::milliseconds session_ttl{0};
  bool registration = false;
};

void add_sign_in_routes(router& r, sign_in_front front);

// -- the pure parts -----------------------------------------------------------------------------------

struct credentials {
  std::string name;
  shared_password password;
};
// Strictly an object with the texts `name` and `password`; bad_request names what is wrong. What it read
// of the password, the body included, is cleansed.
result<credentials> take_credentials(std::string& body);

// The value of a cookie in the Cookie header; empty when there is none.
std::string_view cookie_of(const request& req, std::string_view name);

} // namespace mana::http
