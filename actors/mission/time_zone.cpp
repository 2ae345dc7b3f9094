#include "actors/mission/time_zone.hpp"

#include <date/tz.h>

#include <exception>
#include <string>

namespace mana {

namespace {

constexpr std::size_t max_name = 64;

} // namespace

result<time_zone> time_zone::find(std::string_view iana_name) {
  failure unknown{errc::cadence_invalid, "timeZone: unknown"};
  if (iana_name.empty() || iana_name.size() > max_name)
    return unknown;
  try {
    auto* zone = date::locate_zone(iana_name);
    zone->get_info(date::sys_seconds{}); // reads the zone's file now: afterwards nothing can fail
    return time_zone{zone};
  } catch (const std::exception&) {
    return unknown;
  }
}

local_timestamp time_zone::local(timestamp t) const {
  return local_timestamp{t.time_since_epoch() + zone_->get_info(t).offset};
}

timestamp time_zone::at(local_timestamp t) const {
  // Of a skipped or repeated time `first` is what was in force before the clock change.
  auto info = zone_->get_info(date::local_time<std::chrono::milliseconds>{t.time_since_epoch()});
  return timestamp{t.time_since_epoch() - info.first.offset};
}

} // namespace mana
