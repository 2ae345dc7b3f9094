// Cross-origin requests of the configured browser apps (the Fetch standard, "CORS protocol"), for all
// paths under /api/ and /sync/. Other origins get no headers, so that their browsers keep the answers from them.
#pragma once

#include "http/server/message.hpp"

#include <string>
#include <vector>

namespace mana::http {

// What every answer to this request must carry besides its own headers: errors too, since a browser
// app can read them only with these. Of a preflight the router gives the status, 204 for a route that
// exists; the methods named here are all that any route has.
// `origins`: as browsers send them (scheme://host[:port]), compared exactly; none: no headers at all.
header_list cors_headers(const std::vector<std::string>& origins, const request& req);

} // namespace mana::http
