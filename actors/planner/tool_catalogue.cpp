#include "actors/planner/tool_catalogue.hpp"

#include "embedded/tool_catalogue_json.hpp"
#include "embedded/tool_policy_json.hpp"
#include "infra/json/value.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace mana {

namespace {

using policies = std::map<std::string, tool_policy, std::less<>>;

failure invalid(std::string detail) { return {errc::config_invalid, std::move(detail)}; }

std::string at(std::string_view list, std::size_t index) {
  return std::string{list} + "[" + std::to_string(index) + "]";
}

// Names become JSON keys, prompt text and error details: nothing but identifiers.
bool is_identifier(std::string_view s) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !s.empty() && letter(s.front())
         && std::all_of(s.begin(), s.end(), [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); });
}

std::optional<parameter_type> to_parameter_type(std::string_view word) {
  if (word == "string")
    return parameter_type::string;
  if (word == "date")
    return parameter_type::date;
  if (word == "datetime")
    return parameter_type::datetime;
  if (word == "enum")
    return parameter_type::one_of;
  return std::nullopt;
}

std::optional<tool_policy> to_policy(std::string_view word) {
  if (word == "auto")
    return tool_policy::automatic;
  if (word == "propose")
    return tool_policy::propose;
  if (word == "deny")
    return tool_policy::deny;
  return std::nullopt;
}

// The member `list` of the document; nullptr when this is no object with such an array.
const json::array* array_member(const json::value& document, std::string_view list) {
  auto* v = document.find(list);
  return v == nullptr ? nullptr : v->as_array();
}

std::optional<failure> read_values(const json::value& in, const std::string& where, tool_parameter& out) {
  auto* values = array_member(in, "values");
  if (out.type != parameter_type::one_of)
    return in.find("values") == nullptr ? std::nullopt : std::optional{invalid(where + ".values: only for an enum")};
  if (values == nullptr || values->empty())
    return invalid(where + ".values: missing or empty");
  for (auto& v : *values) {
    auto* text = v.as_string();
    if (text == nullptr || text->empty() || std::find(out.values.begin(), out.values.end(), *text) != out.values.end())
      return invalid(where + ".values: empty, duplicate or no text");
    out.values.push_back(*text);
  }
  return std::nullopt;
}

result<tool_parameter> read_parameter(const json::value& in, const std::string& where) {
  tool_parameter out;
  out.name = in.text("name");
  if (!is_identifier(out.name))
    return invalid(where + ".name: missing or no identifier");
  auto type = to_parameter_type(in.text("type"));
  if (!type)
    return invalid(where + ".type: unknown");
  out.type = *type;
  auto* required = in.find("required");
  if (required == nullptr || required->as_bool() == nullptr)
    return invalid(where + ".required: missing or neither true nor false");
  out.required = *required->as_bool();
  out.description = in.text("description");
  if (out.description.empty())
    return invalid(where + ".description: missing");
  if (auto f = read_values(in, where, out))
    return *std::move(f);
  return out;
}

result<tool> read_tool(const json::value& in, const std::string& where) {
  tool out;
  out.name = in.text("name");
  if (!is_identifier(out.name))
    return invalid(where + ".name: missing or no identifier");
  out.module = in.text("module");
  if (!is_identifier(out.module))
    return invalid(where + ".module: missing or no identifier");
  out.description = in.text("description");
  if (out.description.empty())
    return invalid(where + ".description: missing");
  auto* parameters = array_member(in, "parameters");
  if (parameters == nullptr)
    return invalid(where + ".parameters: no array");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < parameters->size(); ++i) {
    auto here = where + "." + at("parameters", i);
    auto parameter = read_parameter((*parameters)[i], here);
    if (!parameter)
      return std::move(parameter).error();
    if (!seen.insert(parameter->name).second)
      return invalid(here + ".name: duplicate " + parameter->name);
    out.parameters.push_back(*std::move(parameter));
  }
  return out;
}

result<std::vector<tool>> read_tools(std::string_view text) {
  auto document = json::parse(text);
  if (!document)
    return invalid("tool catalogue: not JSON");
  auto* tools = array_member(*document, "tools");
  if (tools == nullptr)
    return invalid("tool catalogue: tools: no array");
  std::vector<tool> out;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < tools->size(); ++i) {
    auto where = "tool catalogue: " + at("tools", i);
    auto t = read_tool((*tools)[i], where);
    if (!t)
      return std::move(t).error();
    if (!seen.insert(t->name).second)
      return invalid(where + ".name: duplicate " + t->name);
    out.push_back(*std::move(t));
  }
  return out;
}

result<policies> read_policies(std::string_view text) {
  auto document = json::parse(text);
  if (!document)
    return invalid("tool policy: not JSON");
  auto* entries = array_member(*document, "policies");
  if (entries == nullptr)
    return invalid("tool policy: policies: no array");
  policies out;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    auto where = "tool policy: " + at("policies", i);
    std::string name{(*entries)[i].text("tool")};
    if (!is_identifier(name))
      return invalid(where + ".tool: missing or no identifier");
    auto policy = to_policy((*entries)[i].text("policy"));
    if (!policy)
      return invalid(where.append(".policy: unknown, of ").append(name));
    if (!out.emplace(name, *policy).second)
      return invalid(where.append(".tool: duplicate ").append(name));
  }
  return out;
}

void append_name(std::string& list, std::string_view name) {
  list += list.empty() ? "" : ", ";
  list += name;
}

// Gives every tool its policy; a failure unless both name the same tools.
std::optional<failure> join(std::vector<tool>& tools, policies known) {
  std::string missing;
  for (auto& t : tools) {
    if (auto entry = known.extract(t.name))
      t.policy = entry.mapped();
    else
      append_name(missing, t.name);
  }
  std::string extra;
  for (auto& [name, policy] : known)
    append_name(extra, name);
  if (missing.empty() && extra.empty())
    return std::nullopt;
  auto detail = std::string{"tool policy disagrees with the tool catalogue: "};
  if (!missing.empty())
    detail += "missing " + missing;
  if (!extra.empty())
    detail += (missing.empty() ? "extra " : "; extra ") + extra;
  return invalid(std::move(detail));
}

} // namespace

const tool* tool_catalogue::find_proposable(std::string_view name) const noexcept {
  auto i = std::find_if(tools.begin(), tools.end(),
                        [&](const tool& t) { return t.policy == tool_policy::propose && t.name == name; });
  return i == tools.end() ? nullptr : &*i;
}

result<tool_catalogue> load_tool_catalogue(std::string_view catalogue_json, std::string_view policy_json) {
  auto tools = read_tools(catalogue_json);
  if (!tools)
    return std::move(tools).error();
  auto known = read_policies(policy_json);
  if (!known)
    return std::move(known).error();
  if (auto f = join(*tools, *std::move(known)))
    return *std::move(f);
  return tool_catalogue{*std::move(tools)};
}

result<tool_catalogue> load_embedded_tool_catalogue() {
  return load_tool_catalogue(embedded::tool_catalogue_json, embedded::tool_policy_json);
}

} // namespace mana
