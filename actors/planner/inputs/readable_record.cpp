#include "actors/planner/inputs/readable_record.hpp"

#include "actors/planner/text.hpp"

#include <algorithm>

namespace mana {

std::string_view plain_text(const json::value& record, std::string_view field) {
  auto text = record.text(field);
  return is_encrypted(text) ? std::string_view{} : text;
}

std::string_view readable_record::text(std::string_view field) const {
  auto opened = std::find_if(opened_.begin(), opened_.end(), [&](auto& o) { return o.name == field; });
  return opened == opened_.end() ? plain_text(fields_, field) : opened->text.view();
}

namespace {

void begin_line(sensitive_text& out, std::string_view label) {
  if (!out.empty())
    out.append("\n");
  out.append(label);
}

} // namespace

void append_line(sensitive_text& out, std::string_view label, std::string_view text, std::size_t limit) {
  if (is_blank(text))
    return;
  sensitive_text line;
  line.reserve(text.size());
  append_one_line(line, text);
  if (line.empty()) // nothing but control characters
    return;
  begin_line(out, label);
  append_cut(out, line.view(), limit);
}

void append_paragraph(sensitive_text& out, std::string_view label, std::string_view text) {
  if (is_blank(text))
    return;
  begin_line(out, label);
  out.append(text);
}

} // namespace mana
