#include "http/server/target.hpp"

#include <simdjson.h>

#include <optional>

namespace mana::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (c == '%') {
      auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (c == '\0')
      return std::nullopt;
    out += c;
  }
  if (!simdjson::validate_utf8(out.data(), out.size()))
    return std::nullopt;
  return out;
}

// Takes text up to the separator, or all of it.
std::string_view take(std::string_view& text, char separator) {
  auto end = text.find(separator);
  auto part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

bool read_query(std::string_view text, std::map<std::string, std::string>& out) {
  while (!text.empty()) {
    auto value = take(text, '&');
    auto name = take(value, '=');
    auto decoded_name = decoded(name, true);
    auto decoded_value = decoded(value, true);
    if (!decoded_name || !decoded_value)
      return false;
    if (!decoded_name->empty())
      out.insert_or_assign(std::move(*decoded_name), std::move(*decoded_value));
  }
  return true;
}

} // namespace

result<request_target> parse_target(std::string_view raw) {
  request_target out;
  if (raw == "*") {
    out.path = raw;
    return out;
  }
  for (std::string_view scheme : {"http://", "https://"})
    if (raw.starts_with(scheme)) {
      raw.remove_prefix(std::min(raw.find('/', scheme.size()), raw.size()));
      break;
    }
  auto query = raw;
  auto path = take(query, '?');
  if (!path.starts_with('/'))
    return failure{errc::bad_request, "the request target must begin with a slash"};
  do {
    path.remove_prefix(1);
    auto segment = decoded(path.substr(0, path.find('/')), false);
    if (!segment)
      return failure{errc::bad_request, "the path is not valid percent-encoded UTF-8"};
    path.remove_prefix(std::min(path.find('/'), path.size()));
    (out.path += '/') += *segment;
    out.segments.push_back(std::move(*segment));
  } while (!path.empty());
  if (!read_query(query, out.query))
    return failure{errc::bad_request, "the query is not valid percent-encoded UTF-8"};
  return out;
}

} // namespace mana::http
