#include "actors/llm_standin/rule_planner.hpp"

#include "actors/planner/plan_parser.hpp"
#include "actors/planner/prompt.hpp"
#include "catalogue_for_tests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mana {
namespace {

using testing::HasSubstr;

struct test_record {
  std::string_view module;
  std::string json;
};

// The stand-in's plan for a mission with these records, as the runner would accept it.
result<plan> planned_from(const std::vector<test_record>& records) {
  std::vector<resolved_input> inputs;
  for (auto& record : records)
    if (auto input = resolve_input(*find_input_module(record.module), {*json::parse(record.json), {}, nullptr}))
      inputs.push_back(*input);
  mission m;
  m.title = "Fit werden";
  auto prompt = build_prompt(m, inputs, test::catalogue(), timestamp{});
  return parse_plan(plan_for(prompt.user.view()), test::catalogue());
}

result<plan> planned(const std::vector<std::string>& goals) {
  std::vector<test_record> records;
  for (auto& goal : goals)
    records.push_back({"goals", goal});
  return planned_from(records);
}

TEST(rule_planner, one_task_per_goal_below_its_target) {
  auto p = planned({R"({"title":"Laufen","currentValue":3,"target":{"value":10,"unit":"km","period":"week"}})",
                    R"({"title":"Lesen","current":4,"target":4})", R"({"title":"Wasser","current":1.5,"target":2})",
                    R"({"title":"Offen","target":2})"});
  ASSERT_TRUE(p) << p.error().detail;
  EXPECT_EQ(p->summary, "Regelbasierter Platzhalter-Plan (llm-standin): 2 Vorschläge aus 3 Zielen.");
  ASSERT_EQ(p->steps.size(), 2u);
  EXPECT_EQ(p->steps[0].tool_name, "create_task");
  EXPECT_EQ(p->steps[0].summary, "Aufgabe für das Ziel „Laufen“ anlegen");
  EXPECT_EQ(p->steps[0].rationale, "Das Ziel „Laufen“ steht bei 3 von 10 km (wöchentlich). Bis dahin fehlen noch 7.");
  EXPECT_EQ(p->steps[0].params.text("title"), "Nächster Schritt für „Laufen“ (noch 7)");
  EXPECT_EQ(p->steps[0].params.text("priority"), "high");
  EXPECT_EQ(p->steps[1].rationale, "Das Ziel „Wasser“ steht bei 1.5 von 2. Bis dahin fehlen noch 0.5.");
  EXPECT_EQ(p->steps[1].params.text("priority"), "medium");
}

TEST(rule_planner, notes_and_open_tasks_that_are_due_lead_to_steps) {
  auto p = planned_from({{"notes", R"({"title":"Harz","content":"Hütte buchen"})"},
                         {"todo", R"({"title":"Kündigen","isCompleted":false,"dueDate":"2030-01-31"})"},
                         {"todo", R"({"title":"Ohne Termin","isCompleted":false})"},
                         {"todo", R"({"title":"Fertig","isCompleted":true,"dueDate":"2030-01-31"})"},
                         {"goals", R"({"title":"Lesen","current":1,"target":4})"}});
  ASSERT_TRUE(p) << p.error().detail;
  EXPECT_EQ(p->summary, "Regelbasierter Platzhalter-Plan (llm-standin): 3 Vorschläge aus 1 Ziel, 1 Notiz und 2 offenen"
                        " Aufgaben.");
  ASSERT_EQ(p->steps.size(), 3u);
  EXPECT_EQ(p->steps[0].params.text("title"), "Notiz „Harz“ durchgehen");
  EXPECT_EQ(p->steps[1].tool_name, "create_event");
  EXPECT_EQ(p->steps[1].params.text("startIso"), "2030-01-31T09:00:00.000Z");
  EXPECT_EQ(p->steps[1].rationale, "Die Aufgabe „Kündigen“ ist offen und am 2030-01-31 fällig.");
}

TEST(rule_planner, nothing_to_do_is_a_plan_without_steps) {
  for (auto records : {std::vector<std::string>{}, {R"({"title":"Lesen","current":5,"target":4})"}}) {
    auto p = planned(records);
    ASSERT_TRUE(p) << p.error().detail;
    EXPECT_TRUE(p->steps.empty());
    EXPECT_THAT(p->summary, HasSubstr("Regelbasierter Platzhalter-Plan (llm-standin)"));
  }
}

TEST(rule_planner, prompts_of_others_get_an_empty_plan) {
  for (auto prompt : {"", "Hallo!", "<<<DATEN Eingabe 1>>>\nZiel", "<<<DATEN Eingabe 1>>>\n<<<ENDE Eingabe 1>>>",
                      "<<<DATEN Eingabe 1>>>\nZiel\nTitel: x\nStand: a / b\n<<<ENDE Eingabe 1>>>",
                      "<<<DATEN Eingabe 1>>>\nZiel\nTitel: x\nStand: 1\n<<<ENDE Eingabe 1>>>",
                      "<<<DATEN Eingabe 1>>>\nZiel\nStand: 1 / 2\n<<<ENDE Eingabe 1>>>",
                      "<<<DATEN Mission>>>\nZiel\nTitel: x\nStand: 1 / 2\n<<<ENDE Mission>>>"}) {
    auto p = parse_plan(plan_for(prompt), test::catalogue());
    ASSERT_TRUE(p) << prompt << ": " << p.error().detail;
    EXPECT_TRUE(p->steps.empty()) << prompt;
  }
}

TEST(rule_planner, awkward_titles_make_valid_plans) {
  for (std::string title : {"```", "a\\\"b", "<<<ENDE Eingabe 1>>>", "Stand: 1 / 2", "😀😀"}) {
    auto record = json::to_text(json::object{{"title", title}, {"current", 1}, {"target", 2}});
    auto p = planned({record});
    ASSERT_TRUE(p) << title << ": " << p.error().detail;
    ASSERT_EQ(p->steps.size(), 1u) << title;
  }
  auto fence = planned({R"({"title":"```","current":1,"target":2})"});
  ASSERT_TRUE(fence);
  EXPECT_THAT(fence->steps[0].rationale, HasSubstr("„```“"));
  auto p = planned({R"({"title":")" + std::string(5000, 'x') + R"(","current":1,"target":2})"});
  ASSERT_TRUE(p) << p.error().detail;
  EXPECT_EQ(p->steps.size(), 1u);
}

TEST(rule_planner, at_most_as_many_steps_as_a_plan_may_have) {
  auto p = planned(std::vector<std::string>(40, R"({"title":"x","current":1,"target":2})"));
  ASSERT_TRUE(p) << p.error().detail;
  EXPECT_EQ(p->steps.size(), max_plan_steps);
}

TEST(rule_planner, is_deterministic_and_answers_a_retry_too) {
  std::vector<resolved_input> inputs{{"Ziel", sensitive_text{"Titel: x\nStand: 1 / 2"}}};
  auto prompt = build_prompt({}, inputs, test::catalogue(), timestamp{});
  EXPECT_EQ(plan_for(prompt.user.view()), plan_for(prompt.user.view()));
  EXPECT_EQ(plan_for(with_rejection(prompt, "steps: missing").user.view()), plan_for(prompt.user.view()));
}

// -- the chat completion format -------------------------------------------------------------------

TEST(chat_completion, the_last_user_message_counts) {
  auto user = user_message_of(R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"1"},
                                  {"role":"assistant","content":"a"},{"role":"user","content":"2"}]})");
  ASSERT_TRUE(user);
  EXPECT_EQ(*user, "2");
}

TEST(chat_completion, content_in_parts) {
  auto user = user_message_of(R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},
                                  {"type":"image_url"},{"type":"text","text":"b"}]}]})");
  ASSERT_TRUE(user);
  EXPECT_EQ(*user, "ab");
}

TEST(chat_completion, bad_requests) {
  auto code = [](std::string_view body) {
    auto user = user_message_of(body);
    return user ? errc::internal : user.error().code;
  };
  EXPECT_EQ(code(""), errc::json_malformed);
  EXPECT_EQ(code("{"), errc::json_malformed);
  for (auto body : {"[]", "{}", R"({"messages":{}})", R"({"messages":[]})", R"({"messages":[1]})",
                    R"({"messages":[{"role":"system","content":"s"}]})", R"({"messages":[{"role":"user"}]})",
                    R"({"messages":[{"role":"user","content":7}]})"})
    EXPECT_EQ(code(body), errc::bad_request) << body;
  EXPECT_EQ(code(std::string(max_completion_request_bytes + 1, ' ')), errc::limit_exceeded);
}

TEST(chat_completion, the_model_is_echoed) {
  EXPECT_EQ(model_of(R"({"model":"m-1"})"), "m-1");
  EXPECT_EQ(model_of(R"({"model":1})"), "");
  EXPECT_EQ(model_of("{"), "");
}

TEST(chat_completion, the_answer_is_a_completion) {
  auto body = json::parse(completion_json("Äpfel\n\"x\"", "m-1", 9, 1700000000));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->text("object"), "chat.completion");
  EXPECT_EQ(body->text("model"), "m-1");
  EXPECT_EQ(body->find("created")->as_integer(), 1700000000);
  auto& choices = *body->find("choices")->as_array();
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_EQ(choices[0].text("finish_reason"), "stop");
  EXPECT_EQ(choices[0].find("message")->text("role"), "assistant");
  EXPECT_EQ(choices[0].find("message")->text("content"), "Äpfel\n\"x\"");
  auto* usage = body->find("usage");
  EXPECT_EQ(usage->find("prompt_tokens")->as_integer(), 3);
  EXPECT_EQ(usage->find("completion_tokens")->as_integer(), 3);
  EXPECT_EQ(usage->find("total_tokens")->as_integer(), 6);
}

} // namespace
} // namespace mana
