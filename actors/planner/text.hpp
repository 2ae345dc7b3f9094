// Text as Unicode code points. Input may be any bytes: a byte that starts no valid UTF-8 sequence
// counts as one code point and comes out as U+FFFD, so every result is valid UTF-8.
#pragma once

#include "messages/sensitive_text.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mana {

// Removes the first code point of a non-empty text and returns it.
char32_t take_code_point(std::string_view& text) noexcept;

std::size_t count_code_points(std::string_view text) noexcept;

// The first `code_points` code points, followed by `…` when there were more. Decrypted text goes through the
// forms that append, which leave no copy behind.
std::string cut_text(std::string_view text, std::size_t code_points);
void append_cut(sensitive_text& out, std::string_view text, std::size_t code_points);

// Nothing but white space, U+00A0 and its Unicode kin, or nothing at all.
bool is_blank(std::string_view text) noexcept;

// On one line: runs of white space and control characters become one space, none at the ends.
std::string one_line(std::string_view text);
void append_one_line(sensitive_text& out, std::string_view text);

// True for the value of an encrypted field (`enc:1:…`, `enc:2:…`).
bool is_encrypted(std::string_view text) noexcept;

} // namespace mana
