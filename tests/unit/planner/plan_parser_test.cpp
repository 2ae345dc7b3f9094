#include "actors/planner/plan_parser.hpp"

#include "catalogue_for_tests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace mana {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string file(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

bool known(std::string_view name) { return name == "create_task" || name == "undo_drink"; }

std::string structure_rejection(std::string_view answer) {
  auto p = parse_plan_structure(answer, known);
  if (p)
    return "accepted";
  EXPECT_EQ(p.error().code, errc::plan_rejected);
  return p.error().detail;
}

std::string one_step(std::string_view members) { return R"({"steps":[{)" + std::string{members} + "}]}"; }

// Rejection of a plan with one step of this tool; "accepted" when there is none.
std::string rejection(std::string_view tool, std::string_view params) {
  auto p = parse_plan(
      one_step(R"("toolName":")" + std::string{tool} + R"(","rationale":"r","params":)" + std::string{params}),
      test::catalogue());
  if (p)
    return "accepted";
  EXPECT_EQ(p.error().code, errc::plan_rejected);
  return p.error().detail;
}

// -- structure ------------------------------------------------------------------------------------

void expect_plan(const plan& p, const json::value& expected) {
  EXPECT_EQ(p.summary, expected.text("summary"));
  if (auto* count = expected.find("stepCount")) {
    EXPECT_EQ(static_cast<std::int64_t>(p.steps.size()), count->as_integer());
    return;
  }
  auto& steps = *expected.find("steps")->as_array();
  ASSERT_EQ(p.steps.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(p.steps[i].summary, steps[i].text("summary"));
    EXPECT_EQ(p.steps[i].tool_name, steps[i].text("toolName"));
    EXPECT_EQ(p.steps[i].rationale, steps[i].text("rationale"));
    EXPECT_EQ(p.steps[i].params, *steps[i].find("params"));
  }
}

TEST(plan_structure, vectors) {
  auto vectors = json::parse(file(MANA_TEST_DATA "/vectors/vectors.json"));
  ASSERT_TRUE(vectors);
  auto* parser = vectors->find("parser");
  ASSERT_NE(parser, nullptr);
  std::set<std::string, std::less<>> names;
  for (auto& name : *parser->find("known_tools")->as_array())
    names.insert(*name.as_string());
  auto& cases = *parser->find("cases")->as_array();
  EXPECT_GE(cases.size(), 19u);
  for (auto& c : cases) {
    SCOPED_TRACE(c.text("name"));
    auto p = parse_plan_structure(c.text("text"), [&](std::string_view name) { return names.contains(name); });
    ASSERT_EQ(static_cast<bool>(p), *c.find("ok")->as_bool()) << (p ? "" : p.error().detail);
    if (p)
      expect_plan(*p, *c.find("value"));
  }
}

TEST(plan_structure, finds_the_json) {
  auto found = [](std::string_view answer) {
    auto p = parse_plan_structure(answer, known);
    return p ? p->summary : "rejected: " + p.error().detail;
  };
  EXPECT_EQ(found("```json {\"summary\":\"s\",\"steps\":[]} ```"), "s");
  EXPECT_EQ(found("```JSON\r\n{\"summary\":\"s\",\r\n\"steps\":[]}\r\n```\r\n"), "s");
  EXPECT_EQ(found("Plan: ```json\n{\"summary\":\"s\",\"steps\":[]}\n```"), "s");
  EXPECT_EQ(found("  ```json\n  {\"summary\":\"s\",\"steps\":[]}\n  ```"), "s");
  EXPECT_EQ(found("```json\n{\"summary\":\"1\",\"steps\":[]}\n```\n```json\n{\"summary\":\"2\",\"steps\":[]}\n```"),
            "1");
  EXPECT_EQ(found("```json {\"summary\":\"1\",\"steps\":[]}```\nund\n```\nx\n```"), "1");
  // Blocks of other languages do not count, nor do their ends.
  EXPECT_EQ(found("```text\nfoo\n```\n```json\n{\"summary\":\"s\",\"steps\":[]}\n```"), "s");
  // Fences inside of values are text.
  EXPECT_EQ(found("```json\n{\"summary\":\"a ```x``` b\",\"steps\":[]}\n```"), "a ```x``` b");
  EXPECT_EQ(found("{\"summary\":\"a ```x``` b\",\"steps\":[]}"), "a ```x``` b");
  EXPECT_EQ(found("{\"summary\":\"```json {} ```\",\"steps\":[]}"), "```json {} ```");
  // Not closed, but complete.
  EXPECT_EQ(found("```json\n{\"summary\":\"s\",\"steps\":[]}"), "s");
}

TEST(plan_structure, rejects_what_is_no_json_object) {
  for (auto answer :
       {"", "   ", "```", "``````", "```json", "```json\n```", "Leider nein.", "null", "\"x\"", "{\"steps\":[]} und",
        "Hier: {\"steps\":[]}", "```text\n{\"steps\":[]}\n```", "```json\n{\"steps\":[{\"toolName\":\"create_"})
    EXPECT_EQ(structure_rejection(answer), "answer: not a JSON object") << answer;
  EXPECT_EQ(structure_rejection(std::string(10'000, '[')), "answer: not a JSON object");
  EXPECT_EQ(structure_rejection(std::string(100'000, '`')), "answer: not a JSON object");
}

TEST(plan_structure, names_step_and_field) {
  EXPECT_EQ(structure_rejection("{}"), "steps: missing or not an array");
  EXPECT_EQ(structure_rejection(R"({"steps":null})"), "steps: missing or not an array");
  EXPECT_EQ(structure_rejection(R"({"summary":7,"steps":[]})"), "summary: not a string");
  EXPECT_EQ(structure_rejection(R"({"steps":[null]})"), "steps[0]: not an object");
  EXPECT_EQ(structure_rejection(one_step(R"("toolName":1,"rationale":"r")")),
            "steps[0].toolName: missing or not a string");
  EXPECT_EQ(structure_rejection(R"({"steps":[{"toolName":"undo_drink","rationale":"r"},{"toolName":"undo_drink"}]})"),
            "steps[1].rationale: missing or empty");
  EXPECT_EQ(structure_rejection(one_step(R"("toolName":"undo_drink","rationale":" \n\u00a0")")),
            "steps[0].rationale: missing or empty");
  EXPECT_EQ(structure_rejection(one_step(R"("toolName":"undo_drink","rationale":["r"])")),
            "steps[0].rationale: missing or empty");
  EXPECT_EQ(structure_rejection(one_step(R"("toolName":"undo_drink","rationale":"r","summary":[])")),
            "steps[0].summary: not a string");
  for (auto params : {"null", "[]", "\"x\"", "1"})
    EXPECT_EQ(
        structure_rejection(one_step(R"("toolName":"undo_drink","rationale":"r","params":)" + std::string{params})),
        "steps[0].params: not an object");
}

TEST(plan_structure, quotes_nothing_of_the_answer) {
  auto detail = structure_rejection(one_step(R"("toolName":"geheimnis","rationale":"r")"));
  EXPECT_EQ(detail, "steps[0].toolName: unknown tool");
  EXPECT_THAT(rejection("create_task", R"({"title":"x","geheimnis":"y"})"), Not(HasSubstr("geheimnis")));
  EXPECT_THAT(rejection("create_task", R"({"title":"x","priority":"geheimnis"})"), Not(HasSubstr("geheimnis")));
}

TEST(plan_structure, fills_in_what_is_optional) {
  auto p = parse_plan_structure(R"({"steps":[{"toolName":"undo_drink","rationale":"r"},
                                             {"toolName":"undo_drink","rationale":"r","summary":" "},
                                             {"toolName":"undo_drink","rationale":"r","summary":null}]})",
                                known);
  ASSERT_TRUE(p) << p.error().detail;
  EXPECT_EQ(p->summary, "");
  for (auto& step : p->steps) {
    EXPECT_EQ(step.summary, "undo_drink");
    EXPECT_EQ(step.params, json::value{json::object{}});
  }
}

std::string steps(std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i)
    out += std::string{i == 0 ? "" : ","} + R"({"toolName":"undo_drink","rationale":"r"})";
  return R"({"steps":[)" + out + "]}";
}

TEST(plan_structure, limits) {
  EXPECT_EQ(structure_rejection(steps(max_plan_steps)), "accepted");
  EXPECT_EQ(structure_rejection(steps(max_plan_steps + 1)), "steps: more than 25");

  auto padded = steps(1);
  padded.resize(max_answer_bytes, ' ');
  EXPECT_EQ(structure_rejection(padded), "accepted");
  EXPECT_EQ(structure_rejection(padded + " "), "answer: larger than 262144 bytes");

  auto umlauts = [](std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i)
      out += "ä";
    return out;
  };
  auto rationale = [&](std::size_t n) {
    return one_step(R"("toolName":"undo_drink","rationale":")" + umlauts(n) + "\"");
  };
  EXPECT_EQ(structure_rejection(rationale(max_rationale_length)), "accepted");
  EXPECT_EQ(structure_rejection(rationale(max_rationale_length + 1)),
            "steps[0].rationale: longer than 2000 characters");
  EXPECT_EQ(structure_rejection(R"({"steps":[],"summary":")" + umlauts(max_summary_length) + "\"}"), "accepted");
  EXPECT_EQ(structure_rejection(R"({"steps":[],"summary":")" + umlauts(max_summary_length + 1) + "\"}"),
            "summary: longer than 2000 characters");
  EXPECT_EQ(structure_rejection(one_step(R"("toolName":"undo_drink","rationale":"r","summary":")"
                                         + umlauts(max_summary_length + 1) + "\"")),
            "steps[0].summary: longer than 2000 characters");
  EXPECT_EQ(rejection("complete_task", R"({"taskId":")" + umlauts(max_param_length) + "\"}"), "accepted");
  EXPECT_EQ(rejection("complete_task", R"({"taskId":")" + umlauts(max_param_length + 1) + "\"}"),
            "steps[0].params.taskId: longer than 4000 characters");
}

TEST(plan_structure, text_that_jsonb_cannot_store_is_rejected) {
  EXPECT_EQ(structure_rejection(R"({"steps":[],"summary":"a\u0000b"})"), "summary: contains U+0000");
  EXPECT_EQ(structure_rejection(one_step(R"("toolName":"undo_drink","rationale":"a\u0000")")),
            "steps[0].rationale: contains U+0000");
  EXPECT_EQ(rejection("complete_task", R"({"taskId":"\u0000"})"), "steps[0].params.taskId: contains U+0000");
  EXPECT_EQ(structure_rejection(R"({"steps":[],"summary":"\ud800"})"), "answer: not a JSON object");
}

// -- parameters -----------------------------------------------------------------------------------

TEST(plan_parameters, accepts_what_the_catalogue_describes) {
  EXPECT_EQ(rejection("create_task", R"({"title":"x"})"), "accepted");
  EXPECT_EQ(rejection("create_task", R"({"title":"x","dueDate":"2024-02-29","priority":"low","description":""})"),
            "accepted");
  EXPECT_EQ(rejection("undo_drink", "{}"), "accepted");
  EXPECT_EQ(rejection("create_place", R"({"name":"x","category":"y"})"), "accepted");
}

TEST(plan_parameters, required_ones_must_be_there_and_say_something) {
  EXPECT_EQ(rejection("create_task", "{}"), "steps[0].params.title: missing");
  EXPECT_EQ(rejection("create_task", R"({"title":""})"), "steps[0].params.title: empty");
  EXPECT_EQ(rejection("create_task", R"({"title":"\u00a0 "})"), "steps[0].params.title: empty");
  EXPECT_EQ(rejection("create_task", R"({"title":null})"), "steps[0].params.title: not a string");
  EXPECT_EQ(rejection("create_task", R"({"title":1})"), "steps[0].params.title: not a string");
  EXPECT_EQ(rejection("create_event", R"({"title":"x"})"), "steps[0].params.startIso: missing");
}

TEST(plan_parameters, unknown_ones_are_rejected) {
  EXPECT_EQ(rejection("undo_drink", R"({"title":"x"})"), "steps[0].params: unknown parameter for undo_drink");
  EXPECT_EQ(rejection("create_task", R"({"title":"x","Priority":"low"})"),
            "steps[0].params: unknown parameter for create_task");
}

TEST(plan_parameters, enums) {
  EXPECT_EQ(rejection("create_task", R"({"title":"x","priority":"High"})"),
            "steps[0].params.priority: not one of the allowed values");
  EXPECT_EQ(rejection("create_task", R"({"title":"x","priority":""})"),
            "steps[0].params.priority: not one of the allowed values");
}

TEST(plan_parameters, dates) {
  auto due = [](std::string_view date) {
    return rejection("create_task", R"({"title":"x","dueDate":")" + std::string{date} + "\"}");
  };
  for (auto date : {"2025-01-31", "2000-02-29", "2025-12-01"})
    EXPECT_EQ(due(date), "accepted") << date;
  for (auto date :
       {"", "2023-02-29", "1900-02-29", "2025-04-31", "2025-13-01", "2025-00-10", "2025-01-00", "2025-1-1", "25-01-01",
        "2025/01/01", "2025-01-01T00:00:00Z", "2025-01-01 ", " 2025-01-01", "morgen", "+2025-01-01", "2025-01-0x"})
    EXPECT_EQ(due(date), "steps[0].params.dueDate: not a date YYYY-MM-DD") << date;
}

TEST(plan_parameters, datetimes) {
  auto start = [](std::string_view time) {
    return rejection("create_event", R"({"title":"x","startIso":")" + std::string{time} + "\"}");
  };
  for (auto time :
       {"2025-01-31T09:30:00Z", "2025-01-31T09:30:00", "2025-01-31T09:30", "2025-01-31T09:30Z", "2025-01-31T09:30:00.5",
        "2025-01-31T09:30:00.123456789Z", "2025-01-31T23:59:59+02:00", "2025-01-31T09:30:00.000-11:30"})
    EXPECT_EQ(start(time), "accepted") << time;
  for (auto time : {"2025-01-31", "2025-01-31T", "2025-01-31T09", "2025-01-31 09:30:00", "2025-01-31T24:00:00",
                    "2025-01-31T09:60:00", "2025-01-31T09:30:60", "2025-02-30T09:30:00Z", "2025-01-31T09:30:00.",
                    "2025-01-31T09:30:00.1234567890", "2025-01-31T09:30:00z", "2025-01-31T09:30:00+2",
                    "2025-01-31T09:30:00+0200", "2025-01-31T09:30:00+24:00", "2025-01-31T09:30:00Zx",
                    "2025-01-31T09:30:00+02:00x", "2025-01-31T9:30:00Z", "jetzt"})
    EXPECT_EQ(start(time), "steps[0].params.startIso: not an ISO 8601 date and time") << time;
  EXPECT_EQ(start(""), "steps[0].params.startIso: empty");
}

TEST(plan_parameters, only_proposable_tools_are_accepted) {
  auto catalogue = load_tool_catalogue(R"({"tools":[{"name":"a","module":"m","description":"d","parameters":[]}]})",
                                       R"({"policies":[{"tool":"a","policy":"auto"}]})");
  ASSERT_TRUE(catalogue);
  auto p = parse_plan(one_step(R"("toolName":"a","rationale":"r")"), *catalogue);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().detail, "steps[0].toolName: unknown tool");
  plan handmade{"", {plan_step{"s", "a", json::object{}, "r"}}};
  EXPECT_EQ(check_parameters(handmade, *catalogue), (failure{errc::plan_rejected, "steps[0].toolName: unknown tool"}));
}

TEST(plan_parameters, the_first_bad_step_is_named) {
  auto p = parse_plan(R"({"steps":[{"toolName":"undo_drink","rationale":"r"},
                                   {"toolName":"create_task","rationale":"r","params":{}}]})",
                      test::catalogue());
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().detail, "steps[1].params.title: missing");
}

} // namespace
} // namespace mana
