// The part of a URL that names an HTTP endpoint: scheme, host, port and a base path.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mana::net {

struct origin {
  bool tls = false;
  std::string host; // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string base; // "" or "/path", never with a slash at the end
  friend bool operator==(const origin&, const origin&) = default;
};

// `http(s)://host[:port][/base]`, at most 2,048 characters. User info, query, fragment, spaces and
// control characters are refused: they have no place in a base URL, and a password in one would
// travel into logs. errc::config_invalid; the detail never repeats the URL.
result<origin> parse_url(std::string_view url);

// The value of the Host header: the port only when it is not the scheme's own.
std::string host_header(const origin& o);

// An IPv4 or IPv6 address, as opposed to a name that is to be resolved.
bool is_address(const std::string& host);

} // namespace mana::net
