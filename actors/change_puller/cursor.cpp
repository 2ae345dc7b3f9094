#include "actors/change_puller/cursor.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"
#include "infra/crypto/random_uuid.hpp"
#include "messages/timestamp.hpp"

#include <charconv>
#include <chrono>
#include <tuple>
#include <vector>

namespace mana {

namespace {

constexpr std::string_view version = "c1";
constexpr std::size_t max_since_bytes = 300;

std::string short_hash(std::string_view text) {
  auto digest = crypto::sha256(crypto::as_bytes(text));
  return crypto::to_hex({digest.data(), 4});
}

bool is_short_hash(std::string_view s) {
  return s.size() == 8 && s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (bool more = true; more;) {
    auto end = text.find(by);
    out.push_back(text.substr(0, end));
    more = end != text.npos;
    text.remove_prefix(more ? end + 1 : text.size());
  }
  return out;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  // One spelling per number.
  if (ec != std::errc{} || end != text.data() + text.size() || std::to_string(value) != text)
    return std::nullopt;
  return value;
}

std::string position_text(const log_position& p) {
  auto out = std::to_string(p.transaction);
  return p.created_us ? out + '.' + std::to_string(*p.created_us) + '.' + p.id : out;
}

std::optional<log_position> parse_position(std::string_view text) {
  auto parts = split(text, '.');
  auto transaction = number<std::uint64_t>(parts[0]);
  if (!transaction || (parts.size() != 1 && parts.size() != 3))
    return std::nullopt;
  log_position out;
  out.transaction = *transaction;
  if (parts.size() == 1)
    return out;
  out.created_us = number<std::int64_t>(parts[1]);
  if (!out.created_us || !is_uuid(parts[2]))
    return std::nullopt;
  out.id = parts[2];
  return out;
}

bool before(const log_position& a, const log_position& b) {
  return std::tie(a.transaction, a.created_us, a.id) < std::tie(b.transaction, b.created_us, b.id);
}

} // namespace

std::string era_of(std::string_view cluster_id) { return short_hash(cluster_id); }

std::string scope_of(std::string_view user, std::string_view app) {
  return short_hash(std::to_string(user.size()).append(":").append(user).append(app));
}

std::string to_text(const log_cursor& c) {
  auto out = std::string{version} + '-' + c.era + '-' + c.scope + '-' + position_text(c.floor);
  return c.ahead ? out + '~' + position_text(*c.ahead) : out;
}

std::optional<log_cursor> parse_cursor(std::string_view text) {
  if (text.size() > max_since_bytes || !text.starts_with(version) || text.size() < 22)
    return std::nullopt;
  log_cursor out;
  out.era = text.substr(3, 8);
  out.scope = text.substr(12, 8);
  if (text[2] != '-' || text[11] != '-' || text[20] != '-' || !is_short_hash(out.era) || !is_short_hash(out.scope))
    return std::nullopt;
  auto positions = split(text.substr(21), '~');
  auto floor = parse_position(positions[0]);
  if (!floor || positions.size() > 2)
    return std::nullopt;
  out.floor = std::move(*floor);
  if (positions.size() == 1)
    return out;
  out.ahead = parse_position(positions[1]);
  return out.ahead && before(out.floor, *out.ahead) ? std::optional{out} : std::nullopt;
}

result<starting_point> parse_since(std::string_view since, std::string_view scope) {
  starting_point out;
  if (since.empty())
    return out;
  if (auto time = parse_iso(since)) {
    out.from_us = std::chrono::microseconds{time->time_since_epoch()}.count();
    return out;
  }
  auto cursor = parse_cursor(since);
  if (!cursor)
    return failure{errc::bad_request, "since: must be empty, a syncedUntil of this service, or a time such as "
                                      "2026-01-31T08:00:00.000Z"};
  if (cursor->scope != scope)
    return failure{errc::bad_request, "since: is the syncedUntil of another app or user"};
  out.cursor = std::move(*cursor);
  return out;
}

log_cursor cursor_behind(const log_cursor& from, const page_end& page, std::uint64_t horizon) {
  log_cursor out = from;
  out.ahead.reset();
  auto end = page.last ? *page.last : from.position();
  // Within a sequence that had passed the horizon before, rows below the present one may be missing.
  if (from.ahead) {
    if (page.has_more)
      out.ahead = std::move(end);
    return out;
  }
  log_position limit{horizon, std::nullopt, {}};
  if (!page.has_more)
    out.floor = before(from.floor, limit) ? limit : from.floor;
  else if (end.transaction < horizon)
    out.floor = std::move(end);
  else {
    out.floor = before(from.floor, limit) ? limit : from.floor;
    if (before(out.floor, end))
      out.ahead = std::move(end);
  }
  return out;
}

} // namespace mana
