// Origins as browsers send them: scheme://host[:port].
#pragma once

#include "http/server/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mana::http {

// Of a URL.
std::string origin_of(std::string_view url);

// Whether a page may open a WebSocket here, to which the same-origin policy does not apply: it was served
// from `base_url`, from the host that the request names, or from one of `others`. Programs that are no
// browsers send no Origin.
bool may_open_socket(const request& req, std::string_view base_url, const std::vector<std::string>& others);

} // namespace mana::http
