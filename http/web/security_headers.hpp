// What a page of the browser app may do, as headers of everything that the web target serves.
#pragma once

#include "http/server/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mana::http {

// Nothing but what comes from the service itself, no inline script or style. `host` is the request's Host, for
// WebSockets in browsers whose 'self' does not cover them; one that is no host and port is left out.
// `origins`: further ones that the app may connect to, scheme://host[:port].
std::string content_security_policy(std::string_view host, const std::vector<std::string>& origins);

// The policy among the others; X-Content-Type-Options comes from the server.
header_list security_headers(std::string_view host, const std::vector<std::string>& origins);

} // namespace mana::http
