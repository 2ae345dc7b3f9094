// GET /openapi.json: what all routes of all targets take and answer, as http/openapi/openapi.json says it. A route that
// is added without a word there fails a test, and so does an answer that is not as it says.
#pragma once

#include "http/server/router.hpp"

#include <string_view>

namespace mana::http {

// OpenAPI 3.1, JSON.
std::string_view openapi_document() noexcept;

void add_openapi_routes(router& r);

} // namespace mana::http
