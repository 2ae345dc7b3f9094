#pragma once

#include <cstddef>
#include <string_view>

namespace mana::json {

// U+FFFD, for what is no UTF-8.
inline constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";

// The length of the well-formed sequence at s[i] (RFC 3629), 0 when there is none.
std::size_t utf8_sequence_length(std::string_view s, std::size_t i) noexcept;

} // namespace mana::json
