#include "messages/timestamp.hpp"

#include <cstdio>

namespace mana {

namespace {

using namespace std::chrono;

constexpr timestamp earliest{sys_days{year{0} / 1 / 1}};
constexpr timestamp latest{sys_days{year{9999} / 12 / 31} + days{1} - milliseconds{1}};

// Reads exactly n digits and removes them; -1 when there are fewer.
int digits(std::string_view& s, std::size_t n) {
  if (s.size() < n)
    return -1;
  int out = 0;
  for (char c : s.substr(0, n)) {
    if (c < '0' || c > '9')
      return -1;
    out = out * 10 + (c - '0');
  }
  s.remove_prefix(n);
  return out;
}

bool skip(std::string_view& s, char c) {
  if (!s.starts_with(c))
    return false;
  s.remove_prefix(1);
  return true;
}

// `.` and one to nine digits, cut to milliseconds; nothing there is 0; -1 when malformed.
int fraction_ms(std::string_view& s) {
  if (!skip(s, '.'))
    return 0;
  auto n = s.find_first_not_of("0123456789");
  if (n == std::string_view::npos || n == 0 || n > 9)
    return -1;
  int out = 0;
  for (std::size_t i = 0; i < 3; ++i)
    out = out * 10 + (i < n ? s[i] - '0' : 0);
  s.remove_prefix(n);
  return out;
}

} // namespace

std::string to_iso(timestamp t) {
  t = t < earliest ? earliest : t > latest ? latest : t;
  auto day = floor<days>(t);
  year_month_day date{day};
  hh_mm_ss time{t - day};
  char out[40];
  auto n = std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                         static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                         static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                         static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {out, static_cast<std::size_t>(n)};
}

std::optional<timestamp> parse_iso(std::string_view s) {
  auto y = digits(s, 4);
  bool form = y >= 0 && skip(s, '-');
  auto mo = form ? digits(s, 2) : -1;
  form = mo >= 0 && skip(s, '-');
  auto d = form ? digits(s, 2) : -1;
  form = d >= 0 && skip(s, 'T');
  auto h = form ? digits(s, 2) : -1;
  form = h >= 0 && skip(s, ':');
  auto mi = form ? digits(s, 2) : -1;
  form = mi >= 0 && skip(s, ':');
  auto sec = form ? digits(s, 2) : -1;
  auto ms = sec >= 0 ? fraction_ms(s) : -1;
  if (ms < 0 || s != "Z" || h > 23 || mi > 59 || sec > 59)
    return std::nullopt;
  year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!date.ok())
    return std::nullopt;
  return timestamp{sys_days{date} + hours{h} + minutes{mi} + seconds{sec} + milliseconds{ms}};
}

} // namespace mana
