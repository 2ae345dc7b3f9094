#include "actors/llm_client/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace mana {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds max_retry_after = std::chrono::days{30};

milliseconds backoff(const retry_rules& rules, unsigned attempts_made, double random) {
  auto ceiling = std::max(rules.backoff_base, milliseconds{0});
  for (unsigned i = 1; i < attempts_made && ceiling < rules.backoff_max; ++i)
    ceiling *= 2;
  ceiling = std::min(ceiling, rules.backoff_max);
  return milliseconds{
      static_cast<milliseconds::rep>(std::clamp(random, 0.0, 1.0) * static_cast<double>(ceiling.count()))};
}

failure with_retry_after(const attempt_failure& problem) {
  auto why = problem.why;
  if (problem.retry_after)
    why.detail += " retry_after=" + std::to_string(problem.retry_after->count());
  return why;
}

failure spent(const attempt_failure& problem) {
  if (problem.why.code == errc::llm_answer_invalid)
    return problem.why;
  auto why = with_retry_after(problem);
  return {errc::llm_retries_spent, std::string{to_string(why.code)} + ": " + why.detail};
}

std::optional<int> number(std::string_view text) {
  int n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return n;
}

template <std::size_t N>
std::optional<unsigned> position(const std::array<std::string_view, N>& names, std::string_view name) {
  auto i = std::find(names.begin(), names.end(), name);
  if (i == names.end())
    return std::nullopt;
  return static_cast<unsigned>(i - names.begin());
}

// `Sun, 06 Nov 1994 08:49:37 GMT`
std::optional<std::chrono::sys_seconds> parse_imf_date(std::string_view text) {
  static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::string_view shape = "aaa, 00 aaa 0000 00:00:00 GMT";
  if (text.size() != shape.size())
    return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 'a' && shape[i] != '0' && shape[i] != text[i])
      return std::nullopt;
  auto day = number(text.substr(5, 2));
  auto month = position(months, text.substr(8, 3));
  auto year = number(text.substr(12, 4));
  auto hour = number(text.substr(17, 2));
  auto minute = number(text.substr(20, 2));
  auto second = number(text.substr(23, 2));
  if (!position(days, text.substr(0, 3)) || !day || !month || !year || !hour || !minute || !second)
    return std::nullopt;
  auto date = std::chrono::year{*year} / static_cast<int>(*month + 1) / *day;
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) // 60: a leap second
    return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} + seconds{*second};
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

retry_decision decide_retry(const retry_rules& rules, unsigned attempts_made, const attempt_failure& problem,
                            const retry_chances& chances) {
  if (!problem.retryable && !(problem.retryable_elsewhere && chances.elsewhere))
    return problem.why;
  auto at_least = milliseconds{problem.retry_after.value_or(seconds{0})};
  if (!chances.elsewhere && problem.retry_after && at_least >= chances.left)
    return failure{errc::llm_rate_limited, with_retry_after(problem).detail};
  if (attempts_made >= rules.max_attempts || chances.left <= milliseconds{0})
    return with_retry_after(problem);
  if (!chances.affordable)
    return spent(problem);
  if (chances.elsewhere)
    return retry_in{};
  auto delay = at_least + backoff(rules, attempts_made, chances.random);
  if (delay < chances.left)
    return retry_in{delay};
  if (problem.retry_after)
    return retry_in{at_least};
  return problem.why;
}

std::optional<seconds> parse_retry_after(std::string_view header, std::chrono::sys_seconds now) {
  while (header.starts_with(' '))
    header.remove_prefix(1);
  while (header.ends_with(' '))
    header.remove_suffix(1);
  if (all_digits(header)) // a number too long for an int is far beyond the limit
    return std::min(seconds{number(header).value_or(INT32_MAX)}, max_retry_after);
  auto date = parse_imf_date(header);
  if (!date)
    return std::nullopt;
  return std::clamp<seconds>(*date - now, seconds{0}, max_retry_after);
}

} // namespace mana
