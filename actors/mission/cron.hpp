// Cron expressions with five fields: minute, hour, day of month, month, day of week.
//
// A field is a list of items separated by commas; an item is `*`, a value, or a range `a-b`, each
// with an optional step `/n` (a value with a step reaches to the field's end). Months and weekdays
// may be named (jan, mon; any case); Sunday is 0 or 7, and 7 where it ends a range. When day of
// month and day of week are both restricted (neither starts with `*`), a day needs to match one.
#pragma once

#include "actors/mission/time_zone.hpp"
#include "messages/result.hpp"
#include "messages/timestamp.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mana {

class cron_expression {
public:
  // Errors: cadence_invalid, the detail names the field.
  static result<cron_expression> parse(std::string_view text);

  // The first match strictly after `from`, under the rules of `time_zone::at` for clock changes;
  // nullopt when there is none within nine years (which a leap day always is).
  std::optional<timestamp> next(timestamp from, const time_zone& zone) const;

private:
  bool matches(std::chrono::year_month_day date) const;

  // Bit n: value n matches.
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0; // 0 to 6
  bool either_day_ = false;    // day of month or day of week, instead of both
};

} // namespace mana
