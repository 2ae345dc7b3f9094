// GET /api/v1/auth/jwks   `{keys:[{kty, crv, x, kid, alg, use}]}`: the keys that verify our tokens
#pragma once

#include "http/server/router.hpp"

#include <string>

namespace mana::http {

// `jwks`: of jwt::to_jwks(); without any key the list is empty.
void add_jwks_route(router& r, std::string jwks);

} // namespace mana::http
