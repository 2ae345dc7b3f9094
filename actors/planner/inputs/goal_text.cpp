#include "actors/planner/inputs/input_text.hpp"
#include "actors/planner/inputs/renderers.hpp"

#include <cmath>
#include <cstdio>
#include <initializer_list>

namespace mana {

namespace {

// A plaintext string member on one line; empty when there is none. Goals are never encrypted.
std::string plain(const json::value& record, std::string_view key) { return one_line(plain_text(record, key)); }

std::string plain_word(const json::value& record, std::string_view key) {
  return cut_text(plain(record, key), max_input_word);
}

// A number as the record has it, also one that was stored as text; empty when it is neither. The
// digits are kept unless there are absurdly many.
std::string number_text(const json::value& v) {
  constexpr std::size_t max_digits = 24;
  auto* number = v.as_number();
  auto* text = number != nullptr ? &number->text : v.as_string();
  auto d = text == nullptr ? std::nullopt : json::value{json::number{*text}}.as_double();
  if (!d || !std::isfinite(*d))
    return {};
  if (text->size() <= max_digits)
    return *text;
  char out[32];
  auto n = std::snprintf(out, sizeof out, "%.6g", *d);
  return {out, static_cast<std::size_t>(n)};
}

// The first of these members that is a number, or an object that holds one under such a name.
std::string first_number(const json::value& record, std::initializer_list<std::string_view> keys) {
  for (auto key : keys) {
    auto* v = record.find(key);
    if (v == nullptr)
      continue;
    auto out = v->as_object() == nullptr ? number_text(*v) : first_number(*v, {"value", "amount", "target"});
    if (!out.empty())
      return out;
  }
  return {};
}

// A word of the goal itself, else of its target.
std::string word_of(const json::value& goal, std::string_view key) {
  auto out = plain_word(goal, key);
  auto* target = goal.find("target");
  return out.empty() && target != nullptr ? plain_word(*target, key) : out;
}

std::string german_period(std::string period) {
  if (period == "day" || period == "daily")
    return "täglich";
  if (period == "week" || period == "weekly")
    return "wöchentlich";
  if (period == "month" || period == "monthly")
    return "monatlich";
  if (period == "year" || period == "yearly")
    return "jährlich";
  return period;
}

std::string progress_line(const json::value& goal) {
  auto current = first_number(goal, {"currentValue", "current"});
  auto target = first_number(goal, {"target", "targetValue"});
  if (current.empty() && target.empty())
    return {};
  constexpr std::string_view unknown = "unbekannt";
  std::string out = "\n";
  out += goal_progress_label;
  out += current.empty() ? unknown : std::string_view{current};
  out += " / ";
  out += target.empty() ? unknown : std::string_view{target};
  if (auto unit = word_of(goal, "unit"); !unit.empty())
    out += " " + unit;
  return out;
}

std::string period_line(const json::value& goal) {
  auto period = german_period(word_of(goal, "period"));
  return period.empty() ? period : "\n" + std::string{goal_period_label} + period;
}

} // namespace

sensitive_text goal_text(const readable_record& goal) {
  auto title = plain(goal.plain(), "title");
  if (title.empty())
    return {};
  auto rest = progress_line(goal.plain()) + period_line(goal.plain());
  // A long title gives way: the numbers are what a plan is made of.
  auto room = max_input_length - count_code_points(title_label) - count_code_points(rest);
  if (count_code_points(title) > room)
    title = cut_text(title, room - 1);
  return sensitive_text{std::string{title_label} + title + rest};
}

} // namespace mana
