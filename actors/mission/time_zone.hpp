// Local time of an IANA time zone.
#pragma once

#include "messages/result.hpp"
#include "messages/timestamp.hpp"

#include <chrono>
#include <string_view>

namespace date {
class time_zone;
}

namespace mana {

using local_timestamp = std::chrono::local_time<std::chrono::milliseconds>;

class time_zone {
public:
  // Errors: cadence_invalid naming `timeZone`.
  static result<time_zone> find(std::string_view iana_name);

  local_timestamp local(timestamp t) const;

  // A local time that a clock change skips moves forward by what was skipped; one that occurs
  // twice means the first.
  timestamp at(local_timestamp t) const;

private:
  explicit time_zone(const date::time_zone* zone) : zone_(zone) {}
  const date::time_zone* zone_; // owned by the date library, for the life of the process
};

} // namespace mana
