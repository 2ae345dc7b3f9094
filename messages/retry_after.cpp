#include "messages/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace mana {

namespace {

constexpr std::string_view before = "; try again in ";
constexpr std::string_view after = " s";

failure come_back(errc code, std::string what, std::chrono::seconds wait) {
  auto seconds = std::max<std::int64_t>(wait.count(), 1);
  return {code, std::move(what.append(before).append(std::to_string(seconds)).append(after))};
}

} // namespace

failure rate_limited_for(std::chrono::seconds wait) { return come_back(errc::rate_limited, "too many requests", wait); }

failure token_budget_spent_for(std::chrono::seconds wait) {
  return come_back(errc::token_budget_spent, "today's tokens for the language model are used up", wait);
}

std::optional<std::chrono::seconds> retry_after(const failure& f) {
  std::string_view text = f.detail;
  auto at = text.rfind(before);
  bool limited = f.code == errc::rate_limited || f.code == errc::token_budget_spent;
  if (!limited || at == text.npos || !text.ends_with(after))
    return std::nullopt;
  text.remove_prefix(at + before.size());
  text.remove_suffix(after.size());
  std::int64_t seconds = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return std::chrono::seconds{seconds};
}

} // namespace mana
