#include "actors/change_pusher/change_value.hpp"

#include "actors/change_pusher/push_request.hpp"
#include "messages/timestamp.hpp"

#include <algorithm>

namespace mana {

namespace {

constexpr std::size_t stamp_bytes = 24;
constexpr std::size_t max_number_bytes = 400;
// The value stands in a record, and that in a page.
constexpr std::size_t max_levels = json::max_depth - 8;

failure wrong(const std::string& where, std::string_view what) {
  return {errc::bad_request, where + ": " + std::string{what}};
}

// A name from outside within a message: short, and nothing that a terminal would obey.
std::string shown(std::string_view name) {
  std::string out{name.substr(0, 60)};
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return out;
}

bool has_nul(std::string_view s) { return s.find('\0') != s.npos; }

const char* unstorable(const json::value& v, std::size_t levels) {
  if (levels == 0)
    return "is nested too deeply";
  if (auto* s = v.as_string())
    return has_nul(*s) ? "must not hold the character U+0000" : nullptr;
  if (auto* n = v.as_number())
    return n->text.size() > max_number_bytes || !v.as_double() ? "holds a number out of range" : nullptr;
  const char* found = nullptr;
  if (auto* a = v.as_array())
    for (auto i = a->begin(); i != a->end() && found == nullptr; ++i)
      found = unstorable(*i, levels - 1);
  if (auto* o = v.as_object())
    for (auto i = o->begin(); i != o->end() && found == nullptr; ++i)
      found = has_nul(i->first) ? "must not hold the character U+0000" : unstorable(i->second, levels - 1);
  return found;
}

std::optional<failure> wrong_text(const std::string& where, const json::value& of, std::string_view name,
                                  std::size_t max_bytes) {
  auto text = of.text(name);
  if (text.empty() || text.size() > max_bytes || has_nul(text))
    return wrong(where + '.' + std::string{name}, "must be a text of 1 to " + std::to_string(max_bytes) + " bytes");
  return std::nullopt;
}

} // namespace

bool is_stamp(std::string_view text) { return text.size() == stamp_bytes && parse_iso(text).has_value(); }

std::optional<failure> wrong_field_name(const std::string& where, std::string_view name, bool is_path) {
  auto at = where + '.' + shown(name);
  if (!is_log_id(name, max_path_bytes))
    return wrong(at, "a field's name has 1 to 200 bytes without control characters");
  auto first = name.substr(0, is_path ? name.find('.') : name.npos);
  if (first.starts_with("__"))
    return wrong(at, "names that begin with __ are not synchronised");
  if (!is_path)
    return std::nullopt;
  if (first == "id")
    return wrong(at, "the id of a record does not change");
  if (name.starts_with('.') || name.ends_with('.') || name.find("..") != name.npos)
    return wrong(at, "a path has a name between its dots");
  return std::nullopt;
}

std::optional<failure> wrong_field_value(const std::string& where, std::string_view name, const json::value& v) {
  if (name == "createdAt" || name == "updatedAt" || name == "deletedAt") {
    bool may_be_null = name == "deletedAt" && v.is_null();
    if (!may_be_null && (v.as_string() == nullptr || !is_stamp(*v.as_string())))
      return wrong(where, stamp_form);
  }
  if (auto* why = unstorable(v, max_levels))
    return wrong(where, why);
  return std::nullopt;
}

std::optional<failure> wrong_actor(const std::string& where, const json::value& actor) {
  if (actor.as_object() == nullptr)
    return wrong(where, "must be an object");
  auto kind = actor.text("kind");
  if (kind == "system")
    return wrong(where + ".kind", "system is for the services, a client acts as user or ai");
  if (kind != "user" && kind != "ai")
    return wrong(where + ".kind", "must be user or ai");
  if (kind == "ai") {
    for (auto name : {"missionId", "iterationId"})
      if (auto problem = wrong_text(where, actor, name, max_id_bytes))
        return problem;
    if (auto problem = wrong_text(where, actor, "rationale", max_rationale_bytes))
      return problem;
  }
  if (auto* why = unstorable(actor, max_levels))
    return wrong(where, why);
  return std::nullopt;
}

} // namespace mana
