#include "infra/tracing/trace_context.hpp"

#include "infra/tracing/header_text.hpp"

#include <algorithm>

namespace mana::tracing {

namespace {

constexpr std::size_t length_00 = 55;
constexpr std::size_t max_tracestate = 512;
constexpr std::size_t max_members = 32;
constexpr std::size_t max_key = 256;
constexpr std::size_t max_value = 256;

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<unsigned>(c - 'a') + 10u;
  return std::nullopt;
}

template <std::size_t N>
bool read_hex(std::string_view text, std::array<std::uint8_t, N>& out) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    auto high = hex_digit(text[2 * i]);
    auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low)
      return false;
    out[i] = static_cast<std::uint8_t>(*high << 4u | *low);
  }
  return true;
}

bool is_key_start(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_key_char(char c) noexcept {
  return is_key_start(c) || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
}
bool is_value_char(char c) noexcept { return c >= ' ' && c <= '~' && c != ',' && c != '='; }

bool is_member(std::string_view text) noexcept {
  auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || equals > max_key)
    return false;
  auto key = text.substr(0, equals);
  auto value = text.substr(equals + 1);
  return is_key_start(key.front()) && std::all_of(key.begin(), key.end(), is_key_char)
         && std::count(key.begin(), key.end(), '@') <= 1 && !value.empty() && value.size() <= max_value
         && value.back() != ' ' && std::all_of(value.begin(), value.end(), is_value_char);
}

} // namespace

std::optional<span_context> parse_traceparent(std::string_view header) noexcept {
  if (header.size() < length_00 || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  span_context out;
  if (!read_hex(header, version) || !read_hex(header.substr(3), out.trace.bytes)
      || !read_hex(header.substr(36), out.span.bytes) || !read_hex(header.substr(53), flags))
    return std::nullopt;
  bool more = header.size() > length_00;
  if (version[0] == 0xFF || (more && (version[0] == 0 || header[length_00] != '-')) || !out.valid())
    return std::nullopt;
  out.sampled = (flags[0] & 1u) != 0;
  return out;
}

std::array<char, 55> format_traceparent(const span_context& c) noexcept {
  std::array<char, length_00> out{};
  auto trace = to_hex(c.trace);
  auto span = to_hex(c.span);
  auto at = std::copy_n("00-", 3, out.begin());
  at = std::copy(trace.begin(), trace.end(), at);
  *at++ = '-';
  at = std::copy(span.begin(), span.end(), at);
  std::copy_n(c.sampled ? "-01" : "-00", 3, at);
  return out;
}

std::string_view usable_tracestate(std::string_view header) noexcept {
  if (header.size() > max_tracestate)
    return {};
  std::size_t members = 0;
  for (auto rest = header; !rest.empty();) {
    auto comma = rest.find(',');
    auto member = without_blanks(rest.substr(0, comma)); // an empty one is allowed
    if (!member.empty() && (!is_member(member) || ++members > max_members))
      return {};
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return members > 0 ? header : std::string_view{};
}

} // namespace mana::tracing
