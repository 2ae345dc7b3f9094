#include "actors/planner/inputs/input_text.hpp"
#include "actors/planner/inputs/renderers.hpp"

namespace mana {

sensitive_text event_text(const readable_record& event) {
  sensitive_text out;
  append_line(out, title_label, event.text("title"), max_input_title);
  sensitive_text rest;
  append_line(rest, "Ort: ", event.text("location"), max_input_title);
  append_paragraph(rest, "Beschreibung: ", event.text("description"));
  if (out.empty() && rest.empty())
    return out;
  if (auto* times = event.linked()) {
    append_line(out, "Beginn: ", plain_text(*times, "startDate"), max_input_word);
    append_line(out, "Ende: ", plain_text(*times, "endDate"), max_input_word);
  }
  append_paragraph(out, "", rest.view());
  return out;
}

} // namespace mana
