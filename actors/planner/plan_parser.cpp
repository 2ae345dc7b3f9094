#include "actors/planner/plan_parser.hpp"

#include "actors/planner/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace mana {

namespace {

failure rejected(std::string detail) { return {errc::plan_rejected, std::move(detail)}; }

// -- finding the JSON text ------------------------------------------------------------------------

constexpr std::string_view fence = "```";
constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view s) {
  auto first = s.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return s.substr(first, s.find_last_not_of(blanks) - first + 1);
}

bool starts_line(std::string_view text, std::size_t pos) {
  auto before = text.find_last_not_of(" \t", pos == 0 ? 0 : pos - 1);
  return pos == 0 || before == std::string_view::npos || text[before] == '\n';
}

// Where the content that begins on the opening fence's line ends: at the last fence of that line when
// it has one, else at the first line that begins with one. JSON strings hold no raw line break, so
// such a line is never inside of a value. A block that was never closed runs to the end.
std::size_t block_end(std::string_view text, std::size_t begin) {
  auto line_end = std::min(text.find('\n', begin), text.size());
  if (auto i = text.substr(begin, line_end - begin).rfind(fence); i != std::string_view::npos)
    return begin + i;
  for (auto i = text.find(fence, line_end); i != std::string_view::npos; i = text.find(fence, i + fence.size()))
    if (starts_line(text, i))
      return i;
  return text.size();
}

bool is_json_mark(std::string_view mark) {
  constexpr std::string_view json = "json";
  return mark.empty() || std::equal(mark.begin(), mark.end(), json.begin(), json.end(), [](char a, char b) {
           return (a | 0x20) == b;
         });
}

// A text that begins with a brace is no prose: fences within its lines are inside of strings.
std::string_view json_text_of(std::string_view answer) {
  auto text = trimmed(answer);
  bool prose = !text.starts_with('{');
  for (auto i = text.find(fence); i != std::string_view::npos; i = text.find(fence, i)) {
    i += fence.size();
    if (!prose && !starts_line(text, i - fence.size()))
      continue;
    auto mark_end = std::min(text.find_first_of(" \t\r\n{[`", i), text.size());
    auto end = block_end(text, mark_end);
    if (is_json_mark(text.substr(i, mark_end - i)))
      return text.substr(mark_end, end - mark_end);
    i = std::min(end + fence.size(), text.size());
  }
  return text;
}

// -- structure ------------------------------------------------------------------------------------

// jsonb cannot store U+0000, so a plan with one could never be written back.
std::optional<failure> check_text(std::string_view text, std::size_t limit, const std::string& where) {
  if (text.find('\0') != std::string_view::npos)
    return rejected(where + ": contains U+0000");
  if (text.size() > limit && count_code_points(text) > limit)
    return rejected(where + ": longer than " + std::to_string(limit) + " characters");
  return std::nullopt;
}

// An optional summary; absent, null or blank is empty.
result<std::string> read_summary(const json::value& in, const std::string& where) {
  auto* v = in.find("summary");
  if (v == nullptr || v->is_null())
    return std::string{};
  auto* text = v->as_string();
  if (text == nullptr)
    return rejected(where + ": not a string");
  if (auto f = check_text(*text, max_summary_length, where))
    return *std::move(f);
  return is_blank(*text) ? std::string{} : *text;
}

result<plan_step> read_step(const json::value& in, const std::string& where,
                            const std::function<bool(std::string_view)>& is_known) {
  if (in.as_object() == nullptr)
    return rejected(where + ": not an object");
  auto* name = in.find("toolName");
  if (name == nullptr || name->as_string() == nullptr)
    return rejected(where + ".toolName: missing or not a string");
  if (!is_known(*name->as_string()))
    return rejected(where + ".toolName: unknown tool");
  plan_step out;
  out.tool_name = *name->as_string();
  auto summary = read_summary(in, where + ".summary");
  if (!summary)
    return std::move(summary).error();
  out.summary = summary->empty() ? out.tool_name : *std::move(summary);
  out.rationale = in.text("rationale");
  if (is_blank(out.rationale))
    return rejected(where + ".rationale: missing or empty");
  if (auto f = check_text(out.rationale, max_rationale_length, where + ".rationale"))
    return *std::move(f);
  auto* params = in.find("params");
  if (params != nullptr && params->as_object() == nullptr)
    return rejected(where + ".params: not an object");
  out.params = params == nullptr ? json::value{json::object{}} : *params;
  return out;
}

std::string step_at(std::size_t index) { return "steps[" + std::to_string(index) + "]"; }

// -- parameters -----------------------------------------------------------------------------------

// Exactly `width` digits, removed from the front; nullopt when they are not there.
std::optional<unsigned> take_digits(std::string_view& s, std::size_t width) {
  if (s.size() < width)
    return std::nullopt;
  unsigned out = 0;
  for (char c : s.substr(0, width)) {
    if (c < '0' || c > '9')
      return std::nullopt;
    out = out * 10 + static_cast<unsigned>(c - '0');
  }
  s.remove_prefix(width);
  return out;
}

bool take(std::string_view& s, char c) {
  if (!s.starts_with(c))
    return false;
  s.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& s) {
  auto y = take_digits(s, 4);
  auto m = y && take(s, '-') ? take_digits(s, 2) : std::nullopt;
  auto d = m && take(s, '-') ? take_digits(s, 2) : std::nullopt;
  using namespace std::chrono;
  return d && year_month_day{year{static_cast<int>(*y)}, month{*m}, day{*d}}.ok();
}

// HH:MM
bool take_hour_and_minute(std::string_view& s) {
  auto h = take_digits(s, 2);
  auto m = h && take(s, ':') ? take_digits(s, 2) : std::nullopt;
  return m && *h <= 23 && *m <= 59;
}

bool take_optional_seconds(std::string_view& s) {
  if (!take(s, ':'))
    return true;
  auto seconds = take_digits(s, 2);
  if (!seconds || *seconds > 59)
    return false;
  if (!take(s, '.'))
    return true;
  auto n = std::min(s.find_first_not_of("0123456789"), s.size());
  s.remove_prefix(n);
  return n >= 1 && n <= 9;
}

bool is_date(std::string_view s) { return take_date(s) && s.empty(); }

bool is_datetime(std::string_view s) {
  if (!take_date(s) || !take(s, 'T') || !take_hour_and_minute(s) || !take_optional_seconds(s))
    return false;
  if (s.empty() || s == "Z")
    return true;
  return (take(s, '+') || take(s, '-')) && take_hour_and_minute(s) && s.empty();
}

// What is wrong with a value, in words of ours; empty when nothing is.
std::string_view objection(const tool_parameter& p, std::string_view text) {
  if (p.required && is_blank(text))
    return "empty";
  switch (p.type) {
    case parameter_type::string: return {};
    case parameter_type::date: return is_date(text) ? "" : "not a date YYYY-MM-DD";
    case parameter_type::datetime: return is_datetime(text) ? "" : "not an ISO 8601 date and time";
    case parameter_type::one_of:
      return std::find(p.values.begin(), p.values.end(), text) == p.values.end() ? "not one of the allowed values" : "";
  }
  return "of an unknown type";
}

std::optional<failure> check_parameter(const tool_parameter& p, const json::value& params, const std::string& where) {
  auto* v = params.find(p.name);
  if (v == nullptr)
    return p.required ? std::optional{rejected(where + ": missing")} : std::nullopt;
  auto* text = v->as_string();
  if (text == nullptr)
    return rejected(where + ": not a string");
  if (auto f = check_text(*text, max_param_length, where))
    return f;
  if (auto wrong = objection(p, *text); !wrong.empty())
    return rejected(where + ": " + std::string{wrong});
  return std::nullopt;
}

std::optional<failure> check_step(const plan_step& step, const tool& t, const std::string& where) {
  auto* given = step.params.as_object();
  if (given == nullptr)
    return rejected(where + ": not an object");
  for (auto& [name, value] : *given)
    if (std::none_of(t.parameters.begin(), t.parameters.end(),
                     [&name = name](const tool_parameter& p) { return p.name == name; }))
      return rejected(where + ": unknown parameter for " + t.name);
  for (auto& p : t.parameters)
    if (auto f = check_parameter(p, step.params, where + "." + p.name))
      return f;
  return std::nullopt;
}

} // namespace

result<plan> parse_plan_structure(std::string_view answer, const std::function<bool(std::string_view)>& is_known) {
  if (answer.size() > max_answer_bytes)
    return rejected("answer: larger than " + std::to_string(max_answer_bytes) + " bytes");
  auto document = json::parse(json_text_of(answer));
  if (!document || document->as_object() == nullptr)
    return rejected("answer: not a JSON object");
  auto* steps = document->find("steps");
  if (steps == nullptr || steps->as_array() == nullptr)
    return rejected("steps: missing or not an array");
  if (steps->as_array()->size() > max_plan_steps)
    return rejected("steps: more than " + std::to_string(max_plan_steps));
  auto summary = read_summary(*document, "summary");
  if (!summary)
    return std::move(summary).error();
  plan out;
  out.summary = *std::move(summary);
  for (std::size_t i = 0; i < steps->as_array()->size(); ++i) {
    auto step = read_step((*steps->as_array())[i], step_at(i), is_known);
    if (!step)
      return std::move(step).error();
    out.steps.push_back(*std::move(step));
  }
  return out;
}

std::optional<failure> check_parameters(const plan& p, const tool_catalogue& tools) {
  for (std::size_t i = 0; i < p.steps.size(); ++i) {
    auto* t = tools.find_proposable(p.steps[i].tool_name);
    if (t == nullptr)
      return rejected(step_at(i) + ".toolName: unknown tool");
    if (auto f = check_step(p.steps[i], *t, step_at(i) + ".params"))
      return f;
  }
  return std::nullopt;
}

result<plan> parse_plan(std::string_view answer, const tool_catalogue& tools) {
  auto out =
      parse_plan_structure(answer, [&](std::string_view name) { return tools.find_proposable(name) != nullptr; });
  if (!out)
    return out;
  if (auto f = check_parameters(*out, tools))
    return *std::move(f);
  return out;
}

} // namespace mana
