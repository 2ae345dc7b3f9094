// What a change of the log writes: one value with its stamp per path.
#pragma once

#include "actors/mission/merge.hpp"

namespace mana {

// `path` and `value` point into the change.
struct field_write {
  std::string_view path; // dotted; for the keyed list its plain name, with an array as the value
  const json::value* value = nullptr;
  std::string stamp;
};

// A delete without a text `deletedAt`: it removes the record instead of writing to it.
bool is_hard_delete(const change& c) noexcept;

// In the order in which they apply: plain names first, then dotted paths, a parent before its
// children. Keys that never merge are left out. Empty for a hard delete.
std::vector<field_write> writes_of(const change& c, const merge_rules& rules);

// The row's time as a stamp.
std::string created_at_stamp(const change& c);

// The `id` of an element of a keyed list; empty when it has none and so takes no part.
std::string_view element_id(const json::value& element) noexcept;

// Walks a dotted path down nested objects.
const json::value* find_path(const json::object& in, std::string_view path) noexcept;

// Sets the value at a dotted path; whatever on the way is no object becomes one.
void assign_path(json::object& in, std::string_view path, json::value v);

} // namespace mana
