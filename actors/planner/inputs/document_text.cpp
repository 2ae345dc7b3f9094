// Notes, journal entries and the kontext document.
#include "actors/planner/inputs/input_text.hpp"
#include "actors/planner/inputs/renderers.hpp"

namespace mana {

sensitive_text note_text(const readable_record& note) {
  sensitive_text out;
  append_line(out, title_label, note.text("title"), max_input_title);
  append_paragraph(out, "", note.text("content"));
  return out;
}

sensitive_text kontext_text(const readable_record& document) {
  sensitive_text out;
  append_paragraph(out, "", document.text("content"));
  return out;
}

} // namespace mana
