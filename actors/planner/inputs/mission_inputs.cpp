#include "actors/planner/inputs/mission_inputs.hpp"

#include "actors/planner/inputs/opened_record.hpp"

#include <algorithm>
#include <set>

namespace mana {

namespace {

constexpr std::string_view not_in_allowlist = "record-not-in-grant-allowlist";

void add_link(std::vector<record_link>& links, const record_link* link) {
  if (link != nullptr && std::none_of(links.begin(), links.end(), [&](auto& l) { return l.table == link->table; }))
    links.push_back(*link);
}

// What one record gives: nothing when it cannot be read.
using maybe_input = std::optional<readable_input>;

maybe_input resolve(const wanted_input& wanted, const record_text& record, const crypto::opened_grant* grant,
                    input_texts& out) {
  auto fields = json::parse(record.json);
  if (!fields)
    return std::nullopt;
  opened_record opened;
  if (grant != nullptr)
    opened = open_record(*grant, wanted.ref, *fields, wanted.module->encrypted_fields);
  if (opened.opened > 0)
    out.decrypted[wanted.ref.table] += opened.opened;
  if (opened.was_encrypted) {
    auto status = opened.failure.empty() ? decrypt_status::ok : decrypt_status::failed;
    out.events.push_back({wanted.ref.table, wanted.ref.id, status, opened.failure});
  }
  if (!opened.failure.empty())
    return std::nullopt;
  auto linked = record.linked.empty() ? result<json::value>{json::value{}} : json::parse(record.linked);
  const auto* linked_record = linked && linked->as_object() != nullptr ? &*linked : nullptr;
  auto shown = resolve_input(*wanted.module, {*fields, opened.fields, linked_record});
  return shown ? maybe_input{{*std::move(shown), opened.was_encrypted}} : std::nullopt;
}

} // namespace

input_selection select_inputs(const mission& m, const crypto::opened_grant* grant) {
  input_selection out;
  std::set<record_ref> allowed, refused;
  for (auto& input : m.inputs) {
    auto* module = find_input_module(input.module);
    auto ref = locate_input(input);
    if (!ref)
      continue;
    bool outside = grant != nullptr && !module->encrypted_fields.empty() && !grant->allows(ref->table, ref->id);
    if (outside) {
      if (refused.insert(*ref).second)
        out.outside_scope.push_back(
            {ref->table, ref->id, decrypt_status::scope_violation, std::string{not_in_allowlist}});
      continue;
    }
    if (allowed.insert(*ref).second)
      out.refs.push_back(*ref);
    add_link(out.links, module->link);
    out.inputs.push_back({module, *std::move(ref)});
  }
  return out;
}

input_texts resolve_inputs(const input_selection& selection, const std::vector<record_text>& records,
                           const crypto::opened_grant* grant) {
  std::map<record_ref, const record_text*> by_ref;
  for (auto& r : records)
    by_ref.emplace(r.ref, &r);
  input_texts out;
  std::map<record_ref, maybe_input> resolved;
  for (auto& wanted : selection.inputs) {
    auto found = by_ref.find(wanted.ref);
    if (found == by_ref.end())
      continue;
    auto [known, is_new] = resolved.try_emplace(wanted.ref);
    if (is_new)
      known->second = resolve(wanted, *found->second, grant, out);
    if (known->second)
      out.inputs.push_back(*known->second);
  }
  return out;
}

} // namespace mana
