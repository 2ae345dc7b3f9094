#include "infra/http_client/url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mana::net {

namespace {

constexpr std::size_t max_url = 2048;
constexpr std::size_t max_host = 253;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool alphanumeric(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'); }

bool host_character(char c) { return alphanumeric(c) || c == '-' || c == '.' || c == '_'; }

// RFC 3986: pchar and "/".
bool path_character(char c) {
  return alphanumeric(c) || std::string_view{"-._~%!$&'()*+,;=:@/"}.find(c) != std::string_view::npos;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool strip(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size())
    return false;
  if (!std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return a == lower(b); }))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

failure invalid(const char* what) { return {errc::config_invalid, std::string{"url: "} + what}; }

// Takes the host from the front of an authority; what is left is "" or ":port".
bool take_host(std::string_view& authority, std::string& host) {
  if (authority.starts_with('[')) {
    auto end = authority.find(']');
    if (end == std::string_view::npos)
      return false;
    host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    return is_ipv6(host);
  }
  auto end = std::min(authority.find(':'), authority.size());
  host = authority.substr(0, end);
  authority.remove_prefix(end);
  return !host.empty() && host.size() <= max_host && std::all_of(host.begin(), host.end(), host_character);
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  if (text.empty())
    return true;
  text.remove_prefix(1); // the colon
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

} // namespace

result<origin> parse_url(std::string_view url) {
  if (url.size() > max_url)
    return invalid("longer than 2048 characters");
  origin o;
  if (strip(url, "https://"))
    o.tls = true;
  else if (!strip(url, "http://"))
    return invalid("must begin with http:// or https://");
  auto slash = std::min(url.find('/'), url.size());
  auto authority = url.substr(0, slash);
  auto path = url.substr(slash);
  if (authority.find('@') != std::string_view::npos)
    return invalid("user name and password are not supported");
  if (!take_host(authority, o.host) || (!authority.empty() && authority.front() != ':'))
    return invalid("invalid host");
  std::transform(o.host.begin(), o.host.end(), o.host.begin(), lower);
  o.port = o.tls ? 443 : 80;
  if (!parse_port(authority, o.port))
    return invalid("invalid port");
  if (!std::all_of(path.begin(), path.end(), path_character))
    return invalid("invalid path; a query or fragment is not supported");
  while (path.ends_with('/'))
    path.remove_suffix(1);
  o.base = path;
  return o;
}

std::string host_header(const origin& o) {
  auto host = o.host.find(':') == std::string::npos ? o.host : "[" + o.host + "]";
  return o.port == (o.tls ? 443 : 80) ? host : host + ":" + std::to_string(o.port);
}

bool is_address(const std::string& host) {
  in_addr v4{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || is_ipv6(host);
}

} // namespace mana::net
