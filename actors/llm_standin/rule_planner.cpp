#include "actors/llm_standin/rule_planner.hpp"

#include "actors/planner/inputs/input_text.hpp"
#include "actors/planner/plan_parser.hpp"
#include "actors/planner/prompt.hpp"
#include "infra/json/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

namespace mana {

namespace {

struct goal {
  std::string_view title;
  double current = 0;
  double target = 0;
  std::string_view target_and_unit; // as written
  std::string_view period;
};

std::optional<double> to_number(std::string_view s) {
  double d = 0;
  auto [p, ec] = std::from_chars(s.data(), s.data() + s.size(), d);
  if (ec != std::errc{} || p != s.data() + s.size() || !std::isfinite(d))
    return std::nullopt;
  return d;
}

std::string to_words(double d) {
  char out[32];
  auto n = std::snprintf(out, sizeof out, "%.6g", d);
  return {out, static_cast<std::size_t>(n)};
}

std::string_view take_line(std::string_view& text) {
  auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool read_progress(std::string_view line, goal& out) {
  constexpr std::string_view of = " / ";
  auto slash = line.find(of);
  if (slash == std::string_view::npos)
    return false;
  out.target_and_unit = line.substr(slash + of.size());
  auto current = to_number(line.substr(0, slash));
  auto target = to_number(out.target_and_unit.substr(0, out.target_and_unit.find(' ')));
  if (!current || !target)
    return false;
  out.current = *current;
  out.target = *target;
  return true;
}

// nullopt for a block that is no goal, or a goal whose numbers are not known.
std::optional<goal> read_goal(const data_block& block) {
  auto text = block.text;
  if (!block.name.starts_with(input_block) || take_line(text) != goal_heading)
    return std::nullopt;
  goal out;
  bool has_numbers = false;
  while (!text.empty()) {
    auto line = take_line(text);
    if (line.starts_with(title_label))
      out.title = line.substr(title_label.size());
    else if (line.starts_with(goal_progress_label))
      has_numbers = read_progress(line.substr(goal_progress_label.size()), out);
    else if (line.starts_with(goal_period_label))
      out.period = line.substr(goal_period_label.size());
  }
  return has_numbers && !out.title.empty() ? std::optional{out} : std::nullopt;
}

// A note, or a task that is still open.
struct titled_input {
  std::string_view title;
  std::string_view due; // of a task; may be empty
};

// nullopt for a block of another kind, without a title, or a task that is done.
std::optional<titled_input> read_titled(const data_block& block, std::string_view heading) {
  auto text = block.text;
  if (!block.name.starts_with(input_block) || take_line(text) != heading)
    return std::nullopt;
  titled_input out;
  while (!text.empty()) {
    auto line = take_line(text);
    if (out.title.empty() && line.starts_with(title_label))
      out.title = line.substr(title_label.size());
    else if (line.starts_with(task_status_label) && line.substr(task_status_label.size()) == task_done)
      return std::nullopt;
    else if (line.starts_with(task_due_label))
      out.due = line.substr(task_due_label.size());
  }
  return out.title.empty() ? std::nullopt : std::optional{out};
}

std::string quoted(std::string_view title) { return "„" + cut_text(title, max_input_length) + "“"; }

json::value step_for_note(const titled_input& note) {
  auto title = quoted(note.title);
  return json::object{
      {"summary", "Aufgabe aus der Notiz " + title + " anlegen"},
      {"toolName", "create_task"},
      {"params", json::object{{"title", "Notiz " + title + " durchgehen"}, {"priority", "medium"}}},
      {"rationale", "Die Notiz " + title + " ist freigegeben; was darin offen ist, gehört in die Aufgabenliste."},
  };
}

// Only for a due date as the contract writes it: YYYY-MM-DD.
std::optional<json::value> step_for_task(const titled_input& task) {
  constexpr std::size_t date_length = 10;
  if (task.due.size() != date_length)
    return std::nullopt;
  auto title = quoted(task.title);
  std::string due{task.due};
  return json::object{
      {"summary", "Zeit für die Aufgabe " + title + " einplanen"},
      {"toolName", "create_event"},
      {"params", json::object{{"title", "Zeit für " + title}, {"startIso", due + "T09:00:00.000Z"}}},
      {"rationale", "Die Aufgabe " + title + " ist offen und am " + due + " fällig."},
  };
}

json::value step_for(const goal& g) {
  auto title = quoted(g.title);
  auto rest = to_words(g.target - g.current);
  auto rationale = "Das Ziel " + title + " steht bei " + to_words(g.current) + " von " + std::string{g.target_and_unit};
  if (!g.period.empty())
    rationale += " (" + std::string{g.period} + ")";
  rationale += ". Bis dahin fehlen noch " + rest + ".";
  return json::object{
      {"summary", "Aufgabe für das Ziel " + title + " anlegen"},
      {"toolName", "create_task"},
      {"params", json::object{{"title", "Nächster Schritt für " + title + " (noch " + rest + ")"},
                              {"priority", g.current < g.target / 2 ? "high" : "medium"}}},
      {"rationale", std::move(rationale)},
  };
}

// What a plan was made from.
struct input_counts {
  std::size_t goals = 0;
  std::size_t notes = 0;
  std::size_t tasks = 0;
};

std::string counted(std::size_t n, std::string_view one, std::string_view many) {
  return std::to_string(n).append(" ").append(n == 1 ? one : many);
}

std::string sources(const input_counts& n) {
  std::vector<std::string> parts;
  if (n.goals > 0)
    parts.push_back(counted(n.goals, "Ziel", "Zielen"));
  if (n.notes > 0)
    parts.push_back(counted(n.notes, "Notiz", "Notizen"));
  if (n.tasks > 0)
    parts.push_back(counted(n.tasks, "offenen Aufgabe", "offenen Aufgaben"));
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i)
    out.append(i == 0 ? "" : i + 1 == parts.size() ? " und " : ", ").append(parts[i]);
  return out;
}

std::string summary_for(const input_counts& n, std::size_t steps) {
  std::string out = "Regelbasierter Platzhalter-Plan (llm-standin): ";
  if (n.goals + n.notes + n.tasks == 0)
    return out + "keine Ziele mit bekanntem Stand gefunden, daher keine Vorschläge.";
  if (steps == 0)
    return out
           + (n.tasks > 0 ? "nichts ist fällig, daher keine Vorschläge."
                          : "alle Ziele sind erreicht, daher keine Vorschläge.");
  return out + counted(steps, "Vorschlag", "Vorschläge") + " aus " + sources(n) + ".";
}

// Backticks only occur inside of strings; escaped, they cannot look like the end of the fence.
std::string fenced(const json::value& document) {
  std::string out = "```json\n";
  for (char c : json::to_text(document)) {
    if (c == '`')
      out += "\\u0060";
    else
      out += c;
  }
  return out + "\n```\n";
}

std::int64_t tokens_in(std::size_t bytes) { return static_cast<std::int64_t>((bytes + 3) / 4); }

// A message's content: a string, or parts of which the text ones count.
std::optional<std::string> content_of(const json::value& message) {
  auto* content = message.find("content");
  if (content == nullptr)
    return std::nullopt;
  if (auto* text = content->as_string())
    return *text;
  auto* parts = content->as_array();
  if (parts == nullptr)
    return std::nullopt;
  std::string out;
  for (auto& part : *parts)
    if (part.text("type") == "text")
      out += part.text("text");
  return out;
}

} // namespace

std::string plan_for(std::string_view user_prompt) {
  json::array steps;
  input_counts n;
  auto propose = [&](json::value step) {
    if (steps.size() < max_plan_steps)
      steps.push_back(std::move(step));
  };
  for (auto& block : data_blocks(user_prompt)) {
    if (auto g = read_goal(block)) {
      ++n.goals;
      if (g->current < g->target)
        propose(step_for(*g));
    } else if (auto note = read_titled(block, note_heading)) {
      ++n.notes;
      propose(step_for_note(*note));
    } else if (auto task = read_titled(block, task_heading)) {
      ++n.tasks;
      if (auto step = step_for_task(*task))
        propose(*std::move(step));
    }
  }
  auto summary = summary_for(n, steps.size());
  return fenced(json::object{{"summary", std::move(summary)}, {"steps", std::move(steps)}});
}

result<std::string> user_message_of(std::string_view request_body) {
  if (request_body.size() > max_completion_request_bytes)
    return failure{errc::limit_exceeded, "body"};
  auto body = json::parse(request_body);
  if (!body)
    return std::move(body).error();
  auto* messages = body->find("messages");
  if (messages == nullptr || messages->as_array() == nullptr)
    return failure{errc::bad_request, "messages: missing or not an array"};
  auto& all = *messages->as_array();
  auto last = std::find_if(all.rbegin(), all.rend(), [](const json::value& m) { return m.text("role") == "user"; });
  if (last == all.rend())
    return failure{errc::bad_request, "messages: none with role user"};
  auto content = content_of(*last);
  if (!content)
    return failure{errc::bad_request, "messages: the last one with role user has no content"};
  return *std::move(content);
}

std::string model_of(std::string_view request_body) {
  if (request_body.size() > max_completion_request_bytes)
    return {};
  auto body = json::parse(request_body);
  return body ? std::string{body->text("model")} : std::string{};
}

std::string completion_json(std::string_view content, std::string_view model, std::size_t prompt_bytes,
                            std::int64_t created) {
  auto prompt_tokens = tokens_in(prompt_bytes);
  auto completion_tokens = tokens_in(content.size());
  json::array choices;
  choices.push_back(json::object{
      {"index", 0},
      {"message", json::object{{"role", "assistant"}, {"content", content}}},
      {"finish_reason", "stop"},
  });
  return json::to_text(json::object{
      {"id", "chatcmpl-standin"},
      {"object", "chat.completion"},
      {"created", created},
      {"model", model},
      {"choices", std::move(choices)},
      {"usage", json::object{{"prompt_tokens", prompt_tokens},
                             {"completion_tokens", completion_tokens},
                             {"total_tokens", prompt_tokens + completion_tokens}}},
  });
}

} // namespace mana
