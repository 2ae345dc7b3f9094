#include "actors/planner/text.hpp"

#include <cstdint>

namespace mana {

namespace {

constexpr char32_t replacement = 0xFFFD;
constexpr std::string_view replacement_utf8 = "\xEF\xBF\xBD";

// The smallest code point that needs a sequence of this length: anything below is an overlong form.
constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

std::size_t announced_length(unsigned char lead) noexcept {
  if (lead < 0x80)
    return 1;
  if ((lead & 0xE0) == 0xC0)
    return 2;
  if ((lead & 0xF0) == 0xE0)
    return 3;
  return (lead & 0xF8) == 0xF0 ? 4 : 0;
}

bool is_space(char32_t c) noexcept {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200B)
         || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

bool is_control(char32_t c) noexcept { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

// Appends the code point that was taken from the front of `before`; `after` is what is left of it.
template <class Text>
void append_taken(Text& out, char32_t c, std::string_view before, std::string_view after) {
  out.append(c == replacement ? replacement_utf8 : before.substr(0, before.size() - after.size()));
}

template <class Text>
void cut_into(Text& out, std::string_view text, std::size_t code_points) {
  for (std::size_t n = 0; n < code_points && !text.empty(); ++n) {
    auto before = text;
    auto c = take_code_point(text);
    append_taken(out, c, before, text);
  }
  if (!text.empty())
    out.append("…");
}

template <class Text>
void one_line_into(Text& out, std::string_view text) {
  bool gap = false;
  bool begun = false;
  while (!text.empty()) {
    auto before = text;
    auto c = take_code_point(text);
    if (is_space(c) || is_control(c)) {
      gap = true;
      continue;
    }
    if (gap && begun)
      out.append(" ");
    gap = false;
    begun = true;
    append_taken(out, c, before, text);
  }
}

} // namespace

char32_t take_code_point(std::string_view& text) noexcept {
  auto lead = static_cast<unsigned char>(text.front());
  auto length = announced_length(lead);
  if (length <= 1 || length > text.size()) {
    text.remove_prefix(1);
    return length == 1 ? lead : replacement;
  }
  auto c = static_cast<char32_t>(lead & (0xFF >> (length + 1)));
  for (std::size_t i = 1; i < length; ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) {
      text.remove_prefix(1);
      return replacement;
    }
    c = (c << 6) | (byte & 0x3F);
  }
  bool valid = c >= smallest[length] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
  text.remove_prefix(valid ? length : 1);
  return valid ? c : replacement;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t n = 0;
  for (; !text.empty(); ++n)
    take_code_point(text);
  return n;
}

std::string cut_text(std::string_view text, std::size_t code_points) {
  std::string out;
  cut_into(out, text, code_points);
  return out;
}

void append_cut(sensitive_text& out, std::string_view text, std::size_t code_points) {
  cut_into(out, text, code_points);
}

bool is_blank(std::string_view text) noexcept {
  while (!text.empty())
    if (!is_space(take_code_point(text)))
      return false;
  return true;
}

std::string one_line(std::string_view text) {
  std::string out;
  one_line_into(out, text);
  return out;
}

void append_one_line(sensitive_text& out, std::string_view text) { one_line_into(out, text); }

bool is_encrypted(std::string_view text) noexcept { return text.starts_with("enc:1:") || text.starts_with("enc:2:"); }

} // namespace mana
