#include "actors/mission/cron.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace mana {

namespace {

using namespace std::chrono;

constexpr std::size_t max_expression = 256;
constexpr days search_limit{9 * 366};

struct field_rule {
  const char* name;
  unsigned low;
  unsigned high;
  std::string_view names; // three letters each, the first stands for `low`
};

constexpr std::array<field_rule, 5> field_rules{{
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
}};
constexpr std::size_t weekday_field = 4;

bool has(std::uint64_t bits, unsigned n) { return (bits >> n & 1) != 0; }

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (;;) {
    auto end = text.find_first_of(separators);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<unsigned> read_number(std::string_view s) {
  if (s.empty() || s.size() > 2 || s.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  unsigned n = 0;
  for (char c : s)
    n = n * 10 + static_cast<unsigned>(c - '0');
  return n;
}

std::optional<unsigned> read_value(std::string_view s, const field_rule& rule) {
  if (auto n = read_number(s))
    return *n >= rule.low && *n <= rule.high ? n : std::nullopt;
  if (s.size() != 3)
    return std::nullopt;
  std::string lower;
  for (char c : s)
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (unsigned i = 0; i * 3 < rule.names.size(); ++i)
    if (rule.names.substr(i * 3, 3) == lower)
      return rule.low + i;
  return std::nullopt;
}

// The bits of one item; 0 when it is malformed.
std::uint64_t read_item(std::string_view item, const field_rule& rule) {
  unsigned step = 1;
  auto slash = item.find('/');
  if (slash != std::string_view::npos) {
    auto n = read_number(item.substr(slash + 1));
    if (!n || *n == 0)
      return 0;
    step = *n;
    item = item.substr(0, slash);
  }
  auto low = rule.low;
  auto high = rule.high;
  if (item != "*") {
    auto dash = item.find('-');
    auto first = read_value(item.substr(0, dash), rule);
    if (!first)
      return 0;
    low = *first;
    if (dash != std::string_view::npos) {
      auto last = read_value(item.substr(dash + 1), rule);
      if (!last)
        return 0;
      high = *last == 0 && rule.high == 7 ? 7 : *last;
    } else if (slash == std::string_view::npos) {
      high = low;
    }
  }
  std::uint64_t bits = 0;
  for (auto n = low; n <= high; n += step)
    bits |= std::uint64_t{1} << n;
  return bits;
}

std::uint64_t read_field(std::string_view text, const field_rule& rule) {
  std::uint64_t bits = 0;
  for (auto item : split(text, ",")) {
    auto b = read_item(item, rule);
    if (b == 0)
      return 0;
    bits |= b;
  }
  return bits;
}

} // namespace

result<cron_expression> cron_expression::parse(std::string_view text) {
  auto invalid = [](std::string why) { return failure{errc::cadence_invalid, "cadence.expression: " + why}; };
  if (text.size() > max_expression)
    return invalid("longer than " + std::to_string(max_expression) + " characters");
  auto fields = split(text, " \t");
  std::erase(fields, std::string_view{});
  if (fields.size() != field_rules.size())
    return invalid("not five fields");
  std::array<std::uint64_t, field_rules.size()> bits{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    bits[i] = read_field(fields[i], field_rules[i]);
    if (bits[i] == 0)
      return invalid(std::string{"bad "} + field_rules[i].name);
  }
  if (has(bits[weekday_field], 7))
    bits[weekday_field] |= 1;
  cron_expression out;
  out.minutes_ = bits[0];
  out.hours_ = bits[1];
  out.days_ = bits[2];
  out.months_ = bits[3];
  out.weekdays_ = bits[weekday_field];
  out.either_day_ = !fields[2].starts_with('*') && !fields[weekday_field].starts_with('*');
  return out;
}

bool cron_expression::matches(year_month_day date) const {
  if (!has(months_, static_cast<unsigned>(date.month())))
    return false;
  bool day = has(days_, static_cast<unsigned>(date.day()));
  bool weekday_matches = has(weekdays_, weekday{local_days{date}}.c_encoding());
  return either_day_ ? day || weekday_matches : day && weekday_matches;
}

std::optional<timestamp> cron_expression::next(timestamp from, const time_zone& zone) const {
  // A skipped local time moves forward past times that are later on the clock, so the search starts
  // a day early (no clock change skips more) and goes on until the clock reaches the best time found.
  auto today = floor<days>(zone.local(from));
  std::optional<timestamp> best;
  local_timestamp best_on_clock;
  for (auto day = today - days{1}; day <= today + search_limit; day += days{1}) {
    if (best && local_timestamp{day} >= best_on_clock)
      break;
    if (!matches(year_month_day{day}))
      continue;
    for (unsigned minute = 0; minute < 24 * 60; ++minute) {
      if (!has(hours_, minute / 60) || !has(minutes_, minute % 60))
        continue;
      auto on_clock = local_timestamp{day} + minutes{minute};
      if (best && on_clock >= best_on_clock)
        return best;
      auto t = zone.at(on_clock);
      if (t > from && (!best || t < *best)) {
        best = t;
        best_on_clock = zone.local(t);
      }
    }
  }
  return best;
}

} // namespace mana
