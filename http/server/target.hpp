// The target of a request line (RFC 9112, section 3.2), taken apart and percent-decoded.
#pragma once

#include "messages/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mana::http {

struct request_target {
  std::string path;                         // the segments, each with a slash before it; or `*`
  std::vector<std::string> segments;        // `/a//b` has three, `/` one that is empty
  std::map<std::string, std::string> query; // the last one of a name; `+` is a blank
};

// Accepts `/path?query`, the absolute form `http://host/path?query` and `*`. bad_request for
// anything else, for escapes that are not %XX, and for bytes that decode to NUL or to invalid UTF-8.
result<request_target> parse_target(std::string_view raw);

} // namespace mana::http
