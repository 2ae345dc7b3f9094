// When a mission runs next (contract section 3, "Cadence").
//
//   {kind: manual}                                never by itself
//   {kind: interval, everyMinutes}                from + minutes; below 5 counts as 5, at most 366 days
//   {kind: daily, atHour, atMinute}               0..23, 0..59
//   {kind: weekly, dayOfWeek, atHour, atMinute?}  0..6, 0 = Sunday; the minute defaults to 0
//   {kind: cron, expression}                      see cron.hpp
//
// Daily and weekly: today's (this week's) time; when that is not after `from`, the same time on the
// clock a day (a week) later. Clock changes: see time_zone.hpp. The time on the clock is the moved
// one when a clock change skipped it: after 03:30 instead of 02:30 follows 03:30 once more.
#pragma once

#include "infra/json/value.hpp"
#include "messages/result.hpp"
#include "messages/timestamp.hpp"

#include <optional>
#include <string_view>

namespace mana {

// Strictly after `from`; nullopt for manual. `iana_zone` is looked at by daily, weekly and cron only.
// Errors: cadence_invalid, the detail names the field (`cadence.atHour`, `timeZone`).
result<std::optional<timestamp>> next_run(const json::value& cadence, timestamp from, std::string_view iana_zone);

// The slot after `slot`. Counted from it, so that intervals do not drift; counted from `now` when
// that slot would have passed already: missed slots are not caught up.
result<std::optional<timestamp>> next_slot(const json::value& cadence, timestamp slot, timestamp now,
                                           std::string_view iana_zone);

} // namespace mana
