// Points in time as the change log writes them: UTC text `YYYY-MM-DDTHH:MM:SS.mmmZ`, which sorts
// byte-wise in time order. In memory: milliseconds of the system clock's epoch.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mana {

using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// Always 24 characters for years 0000 to 9999; later and earlier times are clamped to that range.
std::string to_iso(timestamp t);

// Accepts the form above, also without the fraction or with one to nine digits (cut, not rounded).
// Anything else, impossible dates included, is nullopt.
std::optional<timestamp> parse_iso(std::string_view text);

} // namespace mana
