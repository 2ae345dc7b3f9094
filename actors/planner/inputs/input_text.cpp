#include "actors/planner/inputs/input_text.hpp"

#include "actors/planner/inputs/renderers.hpp"

#include <algorithm>
#include <iterator>

namespace mana {

namespace {

constexpr std::string_view title_and_content[] = {"title", "content"};
constexpr std::string_view title_and_description[] = {"title", "description"};
constexpr std::string_view of_event[] = {"title", "description", "location"};
constexpr std::string_view content_only[] = {"content"};

const record_link& time_block_link() {
  static const record_link link{"events", "timeBlockId", "timeblocks", "timeBlocks"};
  return link;
}

std::span<const input_module> all_modules() {
  static const input_module modules[] = {
      {"goals", "companion", "companionGoals", "", {}, nullptr, goal_heading, max_input_length, goal_text},
      {"notes", "notes", "notes", "", title_and_content, nullptr, note_heading, max_input_length, note_text},
      {"tasks", "todo", "tasks", "", title_and_description, nullptr, task_heading, max_input_length, task_text},
      {"todo", "todo", "tasks", "", title_and_description, nullptr, task_heading, max_input_length, task_text},
      {"calendar", "calendar", "events", "", of_event, &time_block_link(), "Termin", max_input_length, event_text},
      {"journal", "journal", "journalEntries", "", title_and_content, nullptr, "Tagebucheintrag", max_input_length,
       note_text},
      {"kontext", "kontext", "kontextDoc", "singleton", content_only, nullptr, "Kontext", max_kontext_length,
       kontext_text},
  };
  return modules;
}

} // namespace

const input_module* find_input_module(std::string_view name) {
  auto modules = all_modules();
  auto i = std::find_if(modules.begin(), modules.end(), [&](auto& m) { return m.name == name; });
  return i == modules.end() ? nullptr : &*i;
}

std::optional<record_ref> locate_input(const input_ref& input) {
  auto* module = find_input_module(input.module);
  if (module == nullptr || input.id.empty())
    return std::nullopt;
  auto id = module->only_record.empty() ? std::string_view{input.id} : module->only_record;
  return record_ref{std::string{module->app}, std::string{module->table}, std::string{id}};
}

std::optional<resolved_input> resolve_input(const input_module& module, const readable_record& record) {
  if (record.plain().as_object() == nullptr || !record.plain().text("deletedAt").empty())
    return std::nullopt;
  auto whole = module.render(record);
  if (whole.empty())
    return std::nullopt;
  resolved_input out{std::string{module.heading}, {}};
  out.text.reserve(whole.size());
  append_cut(out.text, whole.view(), module.max_length);
  return out;
}

} // namespace mana
