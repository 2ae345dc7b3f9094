#include "messages/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace mana {

namespace {

constexpr std::string_view before = "too many requests; try again in ";
constexpr std::string_view after = " s";

} // namespace

failure rate_limited_for(std::chrono::seconds wait) {
  auto seconds = std::max<std::int64_t>(wait.count(), 1);
  return {errc::rate_limited, std::string{before} + std::to_string(seconds) + std::string{after}};
}

std::optional<std::chrono::seconds> retry_after(const failure& f) {
  std::string_view text = f.detail;
  if (f.code != errc::rate_limited || !text.starts_with(before) || !text.ends_with(after))
    return std::nullopt;
  text.remove_prefix(before.size());
  text.remove_suffix(after.size());
  std::int64_t seconds = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return std::chrono::seconds{seconds};
}

} // namespace mana
