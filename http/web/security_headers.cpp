#include "http/web/security_headers.hpp"

#include <algorithm>

namespace mana::http {

namespace {

// It becomes part of a header whose separators are blank, comma and semicolon.
bool is_host_and_port(std::string_view host) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'
           || c == ':' || c == '[' || c == ']';
  };
  return !host.empty() && host.size() <= 260 && std::all_of(host.begin(), host.end(), allowed);
}

} // namespace

std::string content_security_policy(std::string_view host, const std::vector<std::string>& origins) {
  std::string connect = "connect-src 'self'";
  if (is_host_and_port(host))
    for (std::string_view scheme : {" ws://", " wss://"})
      (connect += scheme) += host;
  for (auto& origin : origins)
    (connect += ' ') += origin;
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " + connect
         + "; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

header_list security_headers(std::string_view host, const std::vector<std::string>& origins) {
  return {{"Content-Security-Policy", content_security_policy(host, origins)},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Permissions-Policy", "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), "
                                 "midi=(), payment=(), serial=(), usb=()"}};
}

} // namespace mana::http
