// readable_record: an input's record as far as it can be read: plaintext fields, and encrypted ones that
// were opened. What is still encrypted, or of another type, reads as empty.
#pragma once

#include "infra/json/value.hpp"
#include "messages/sensitive_text.hpp"

#include <span>
#include <string>
#include <string_view>

namespace mana {

// A field that was encrypted, with the text it holds.
struct opened_field {
  std::string_view name;
  sensitive_text text;
};

class readable_record {
public:
  // Views of the arguments. `linked`: the record that this one points to; nullptr when there is none.
  readable_record(const json::value& fields, std::span<const opened_field> opened, const json::value* linked)
    : fields_(fields), opened_(opened), linked_(linked) {}

  std::string_view text(std::string_view field) const;
  const json::value& plain() const noexcept { return fields_; }
  const json::value* linked() const noexcept { return linked_; }

private:
  const json::value& fields_;
  std::span<const opened_field> opened_;
  const json::value* linked_;
};

// The plaintext string of a record's member; empty when it is encrypted or of another type.
std::string_view plain_text(const json::value& record, std::string_view field);

// -- lines of an input's text -----------------------------------------------------------------------------

// `label` and the text on one line, cut to so many code points; nothing when the text is blank. Lines are
// separated, not ended, by line breaks.
void append_line(sensitive_text& out, std::string_view label, std::string_view text, std::size_t limit);
// The text as it is, on lines of its own.
void append_paragraph(sensitive_text& out, std::string_view label, std::string_view text);

inline constexpr std::size_t max_input_title = 200; // code points
inline constexpr std::size_t max_input_word = 40;   // of units, dates and the like

} // namespace mana
