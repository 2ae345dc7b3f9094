#include "http/web/negotiation.hpp"

#include <algorithm>
#include <optional>

namespace mana::http {

namespace {

std::string_view trimmed(std::string_view s) noexcept {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!s.empty() && blank(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && blank(s.back()))
    s.remove_suffix(1);
  return s;
}

// Takes the text up to the separator off its front.
std::string_view take(std::string_view& text, char separator) noexcept {
  auto end = text.find(separator);
  auto part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return trimmed(part);
}

bool same_word(std::string_view a, std::string_view lower) noexcept {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y; });
}

// Thousandths of `q=0.5`; of anything else that is no weight none, so that it is not used.
int weight_of(std::string_view parameter) noexcept {
  if (parameter.size() < 3 || !same_word(parameter.substr(0, 2), "q="))
    return 0;
  auto digits = parameter.substr(2);
  if (digits.size() > 5 || (digits[0] != '0' && digits[0] != '1') || (digits.size() > 1 && digits[1] != '.'))
    return 0;
  int out = (digits[0] - '0') * 1000;
  int unit = 100;
  for (auto c : digits.substr(std::min<std::size_t>(2, digits.size()))) {
    if (c < '0' || c > '9')
      return 0;
    out += (c - '0') * unit;
    unit /= 10;
  }
  return out <= 1000 ? out : 0;
}

} // namespace

coding choose_coding(std::string_view accepted, codings available) noexcept {
  std::optional<int> brotli;
  std::optional<int> gzip;
  std::optional<int> identity;
  int others = 0;
  while (!accepted.empty()) {
    auto entry = take(accepted, ',');
    auto name = take(entry, ';');
    int weight = entry.empty() ? 1000 : weight_of(trimmed(entry));
    if (same_word(name, "br"))
      brotli = weight;
    else if (same_word(name, "gzip") || same_word(name, "x-gzip"))
      gzip = weight;
    else if (same_word(name, "identity"))
      identity = weight;
    else if (name == "*")
      others = weight;
  }
  int of_brotli = available.brotli ? brotli.value_or(others) : 0;
  int of_gzip = available.gzip ? gzip.value_or(others) : 0;
  if (std::max(of_brotli, of_gzip) < identity.value_or(1) || std::max(of_brotli, of_gzip) == 0)
    return coding::identity;
  return of_brotli >= of_gzip ? coding::brotli : coding::gzip;
}

bool names_tag(std::string_view if_none_match, std::string_view tag) noexcept {
  while (!if_none_match.empty()) {
    auto one = take(if_none_match, ',');
    if (one == "*")
      return true;
    if (one.starts_with("W/"))
      one.remove_prefix(2);
    if (one == tag)
      return true;
  }
  return false;
}

} // namespace mana::http
