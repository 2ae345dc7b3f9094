#include "actors/session_registry/change_notice.hpp"

#include "infra/json/value.hpp"

namespace mana {

std::optional<change_notice> parse_change_notice(std::string_view payload) {
  auto parsed = json::parse(payload);
  if (!parsed)
    return std::nullopt;
  change_notice out;
  out.to = parsed->text("to");
  out.app = parsed->text("app");
  if (out.to.size() != 32 || out.to.find_first_not_of("0123456789abcdef") != out.to.npos || out.app.empty())
    return std::nullopt;
  auto* tables = parsed->find("tables");
  auto* list = tables == nullptr ? nullptr : tables->as_array();
  if (list == nullptr)
    return std::nullopt;
  for (auto& t : *list) {
    if (t.as_string() == nullptr)
      return std::nullopt;
    out.tables.push_back(*t.as_string());
  }
  return out;
}

} // namespace mana
