#include "actors/mission/mission.hpp"

namespace mana {

namespace {

const json::array& array_at(const json::value& record, std::string_view key) {
  static const json::array none;
  auto* v = record.find(key);
  auto* a = v == nullptr ? nullptr : v->as_array();
  return a == nullptr ? none : *a;
}

bool is_set(const json::value& record, std::string_view key) {
  auto* v = record.find(key);
  return v != nullptr && !v->is_null();
}

std::vector<input_ref> read_inputs(const json::value& record) {
  std::vector<input_ref> out;
  for (auto& element : array_at(record, "inputs")) {
    if (out.size() == max_inputs)
      break;
    input_ref in{std::string{element.text("module")}, std::string{element.text("table")},
                 std::string{element.text("id")}};
    if (!in.module.empty() && !in.table.empty() && !in.id.empty())
      out.push_back(std::move(in));
  }
  return out;
}

} // namespace

mission read_mission(const json::value& record) {
  mission out;
  out.id.value = record.text("id");
  out.title = record.text("title");
  out.objective = record.text("objective");
  out.concept_markdown = record.text("conceptMarkdown");
  out.state = record.text("state");
  out.time_zone = record.text("timeZone");
  out.inputs = read_inputs(record);
  if (auto* cadence = record.find("cadence"); cadence != nullptr && cadence->as_object() != nullptr)
    out.cadence = *cadence;
  out.next_run_at = parse_iso(record.text("nextRunAt"));
  out.deleted = is_set(record, "deletedAt");
  if (auto* grant = record.find("grant"))
    out.has_grant = grant->as_object() != nullptr;
  for (auto& iteration : array_at(record, "iterations"))
    if (iteration.as_object() != nullptr)
      out.iterations.push_back(iteration);
  return out;
}

} // namespace mana
