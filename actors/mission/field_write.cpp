#include "actors/mission/field_write.hpp"

#include "messages/timestamp.hpp"

#include <algorithm>
#include <chrono>

namespace mana {

namespace {

// A text that can serve as a stamp. The empty one would lose against everything, even a tie.
const std::string* stamp_text(const json::value* v) noexcept {
  auto* s = v == nullptr ? nullptr : v->as_string();
  return s == nullptr || s->empty() ? nullptr : s;
}

bool deeper_than(const json::value& v, std::size_t levels) noexcept {
  if (levels == 0)
    return true;
  if (auto* a = v.as_array())
    return std::any_of(a->begin(), a->end(), [&](auto& element) { return deeper_than(element, levels - 1); });
  if (auto* o = v.as_object())
    return std::any_of(o->begin(), o->end(), [&](auto& m) { return deeper_than(m.second, levels - 1); });
  return false;
}

// The number of names in a dotted path; 0 when one of them is empty.
std::size_t names_in(std::string_view path) noexcept {
  if (path.empty() || path.starts_with('.') || path.ends_with('.') || path.find("..") != std::string_view::npos)
    return 0;
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '.')) + 1;
}

bool merges(std::string_view path, const json::value& v, const merge_rules& rules) noexcept {
  auto names = names_in(path);
  auto top = path.substr(0, path.find('.'));
  if (names == 0 || names > max_path_names || top == "id" || top.starts_with("__"))
    return false;
  if (top == rules.keyed_list)
    return names == 1 && v.as_array() != nullptr;
  // The snapshot is parsed again later: a deep value under a deep path must stay within its limit.
  return !deeper_than(v, json::max_depth - names);
}

// `fixed` stamps every field; without it each has its own, or else the row's time.
std::vector<field_write> writes(const change& c, const std::string* fixed, const merge_rules& rules) {
  std::vector<field_write> out;
  auto* data = c.data.as_object();
  if (data == nullptr)
    return out;
  auto row_stamp = created_at_stamp(c);
  for (auto& [path, v] : *data) {
    if (!merges(path, v, rules))
      continue;
    auto* own = fixed != nullptr ? fixed : stamp_text(c.field_timestamps.find(path));
    out.push_back({path, &v, own != nullptr ? *own : row_stamp});
  }
  auto dotted =
      std::stable_partition(out.begin(), out.end(), [](auto& w) { return w.path.find('.') == std::string_view::npos; });
  std::sort(dotted, out.end(), [](auto& a, auto& b) { return a.path < b.path; });
  return out;
}

} // namespace

bool is_hard_delete(const change& c) noexcept {
  return c.op == change_op::erase && stamp_text(c.data.find("deletedAt")) == nullptr;
}

std::vector<field_write> writes_of(const change& c, const merge_rules& rules) {
  switch (c.op) {
    case change_op::insert: {
      auto* updated = stamp_text(c.data.find("updatedAt"));
      auto* created = stamp_text(c.data.find("createdAt"));
      auto row_stamp = created_at_stamp(c);
      return writes(c, updated != nullptr ? updated : created != nullptr ? created : &row_stamp, rules);
    }
    case change_op::update: return writes(c, nullptr, rules);
    case change_op::erase: break;
  }
  auto* deleted_at = c.data.find("deletedAt");
  if (auto* s = stamp_text(deleted_at))
    return {{"deletedAt", deleted_at, *s}, {"updatedAt", deleted_at, *s}};
  return {};
}

std::string created_at_stamp(const change& c) {
  using namespace std::chrono;
  return to_iso(floor<milliseconds>(sys_time<microseconds>{microseconds{c.at.created_at_us}}));
}

std::string_view element_id(const json::value& element) noexcept { return element.text("id"); }

const json::value* find_path(const json::object& in, std::string_view path) noexcept {
  auto* at = &in;
  for (;;) {
    auto dot = path.find('.');
    auto* v = at->find(path.substr(0, dot));
    if (v == nullptr || dot == std::string_view::npos)
      return v;
    at = v->as_object();
    if (at == nullptr)
      return nullptr;
    path.remove_prefix(dot + 1);
  }
}

void assign_path(json::object& in, std::string_view path, json::value v) {
  auto* at = &in;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    auto name = path.substr(0, dot);
    auto* child = at->find(name);
    if (child == nullptr || child->as_object() == nullptr)
      child = &at->set(name, json::object{});
    at = child->as_object();
    path.remove_prefix(dot + 1);
  }
  at->set(path, std::move(v));
}

} // namespace mana
