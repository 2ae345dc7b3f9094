// Lists in the text of a header (RFC 9110, section 5.6.1).
#pragma once

#include <string_view>

namespace mana::tracing {

// Without the blanks around it.
inline std::string_view without_blanks(std::string_view text) noexcept {
  auto first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

} // namespace mana::tracing
