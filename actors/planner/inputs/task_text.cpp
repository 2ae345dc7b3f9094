#include "actors/planner/inputs/input_text.hpp"
#include "actors/planner/inputs/renderers.hpp"

#include <algorithm>

namespace mana {

namespace {

// Clients differ in how they note it: a flag, a time of completion, or a word.
bool is_done(const json::value& task) {
  constexpr std::string_view flags[] = {"isCompleted", "completed", "isDone", "done"};
  constexpr std::string_view words[] = {"done", "completed", "complete", "closed", "erledigt"};
  auto set = [&](auto name) {
    auto* v = task.find(name);
    auto* flag = v == nullptr ? nullptr : v->as_bool();
    return flag != nullptr && *flag;
  };
  auto status = plain_text(task, "status");
  return std::any_of(std::begin(flags), std::end(flags), set) || !plain_text(task, "completedAt").empty()
         || std::find(std::begin(words), std::end(words), status) != std::end(words);
}

std::string_view german_priority(std::string_view priority) {
  if (priority == "low")
    return "niedrig";
  if (priority == "medium")
    return "mittel";
  if (priority == "high")
    return "hoch";
  return priority;
}

} // namespace

// What is short stands before the description, which may be cut.
sensitive_text task_text(const readable_record& task) {
  sensitive_text out;
  auto& plain = task.plain();
  append_line(out, title_label, task.text("title"), max_input_title);
  sensitive_text description;
  append_paragraph(description, "Beschreibung: ", task.text("description"));
  if (out.empty() && description.empty())
    return out;
  append_line(out, task_status_label, is_done(plain) ? task_done : task_open, max_input_word);
  append_line(out, task_due_label, plain_text(plain, "dueDate"), max_input_word);
  append_line(out, "Priorität: ", german_priority(plain_text(plain, "priority")), max_input_word);
  append_paragraph(out, "", description.view());
  return out;
}

} // namespace mana
