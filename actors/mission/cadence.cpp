#include "actors/mission/cadence.hpp"

#include "actors/mission/cron.hpp"
#include "actors/mission/time_zone.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

namespace mana {

namespace {

using namespace std::chrono;
using next_time = result<std::optional<timestamp>>;

constexpr double min_interval_minutes = 5;
constexpr double max_interval_minutes = 366.0 * 24 * 60;

failure invalid(std::string_view field, std::string_view why) {
  return {errc::cadence_invalid, "cadence." + std::string{field} + ": " + std::string{why}};
}

result<unsigned> whole(const json::value& cadence, std::string_view field, std::int64_t high) {
  auto* v = cadence.find(field);
  auto n = v == nullptr ? std::nullopt : v->as_integer();
  if (!n || *n < 0 || *n > high)
    return invalid(field, "not an integer from 0 to " + std::to_string(high));
  return static_cast<unsigned>(*n);
}

next_time next_interval(const json::value& cadence, timestamp from) {
  auto* v = cadence.find("everyMinutes");
  auto every = v == nullptr ? std::nullopt : v->as_double();
  if (!every || !(*every > 0) || *every > max_interval_minutes)
    return invalid("everyMinutes", "not a number above 0 and up to 366 days");
  auto ms = std::llround(std::max(*every, min_interval_minutes) * 60'000);
  return std::optional{from + milliseconds{ms}};
}

// The time `on_clock` (at or after the day of `from`), then every `period`.
timestamp first_after(timestamp from, local_timestamp on_clock, days period, const time_zone& zone) {
  auto t = zone.at(on_clock);
  while (t <= from)
    t = zone.at(zone.local(t) + period);
  return t;
}

next_time next_daily(const json::value& cadence, timestamp from, std::string_view iana_zone) {
  auto hour = whole(cadence, "atHour", 23);
  if (!hour)
    return hour.error();
  auto minute = whole(cadence, "atMinute", 59);
  if (!minute)
    return minute.error();
  auto zone = time_zone::find(iana_zone);
  if (!zone)
    return zone.error();
  auto today = floor<days>(zone->local(from));
  return std::optional{first_after(from, today + hours{*hour} + minutes{*minute}, days{1}, *zone)};
}

next_time next_weekly(const json::value& cadence, timestamp from, std::string_view iana_zone) {
  auto day = whole(cadence, "dayOfWeek", 6);
  if (!day)
    return day.error();
  auto hour = whole(cadence, "atHour", 23);
  if (!hour)
    return hour.error();
  auto minute = cadence.find("atMinute") == nullptr ? result<unsigned>{0u} : whole(cadence, "atMinute", 59);
  if (!minute)
    return minute.error();
  auto zone = time_zone::find(iana_zone);
  if (!zone)
    return zone.error();
  auto today = floor<days>(zone->local(from));
  auto first = today + (weekday{*day} - weekday{today});
  return std::optional{first_after(from, first + hours{*hour} + minutes{*minute}, days{7}, *zone)};
}

next_time next_cron(const json::value& cadence, timestamp from, std::string_view iana_zone) {
  auto* v = cadence.find("expression");
  auto* text = v == nullptr ? nullptr : v->as_string();
  if (text == nullptr)
    return invalid("expression", "not a text");
  auto expression = cron_expression::parse(*text);
  if (!expression)
    return expression.error();
  auto zone = time_zone::find(iana_zone);
  if (!zone)
    return zone.error();
  auto t = expression->next(from, *zone);
  if (!t)
    return invalid("expression", "never comes true");
  return t;
}

} // namespace

next_time next_run(const json::value& cadence, timestamp from, std::string_view iana_zone) {
  if (cadence.as_object() == nullptr)
    return failure{errc::cadence_invalid, "cadence: not an object"};
  auto kind = cadence.text("kind");
  if (kind == "manual")
    return std::optional<timestamp>{};
  if (kind == "interval")
    return next_interval(cadence, from);
  if (kind == "daily")
    return next_daily(cadence, from, iana_zone);
  if (kind == "weekly")
    return next_weekly(cadence, from, iana_zone);
  if (kind == "cron")
    return next_cron(cadence, from, iana_zone);
  return invalid("kind", "unknown");
}

next_time next_slot(const json::value& cadence, timestamp slot, timestamp now, std::string_view iana_zone) {
  auto next = next_run(cadence, slot, iana_zone);
  if (!next || !*next || **next > now)
    return next;
  return next_run(cadence, now, iana_zone);
}

} // namespace mana
