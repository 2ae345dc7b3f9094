#include "actors/planner/inputs/input_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mana {
namespace {

const input_ref goal{"goals", "companionGoals", "g1"};

// A record without any encrypted field that was opened.
std::optional<resolved_input> resolve(std::string_view module, std::string_view record_json,
                                      std::string_view linked_json = "null") {
  auto record = json::parse(record_json);
  auto linked = json::parse(linked_json);
  if (!record)
    return std::nullopt;
  return resolve_input(*find_input_module(module), {*record, {}, linked->as_object() != nullptr ? &*linked : nullptr});
}

std::string shown(std::string_view record) {
  auto r = resolve("goals", record);
  if (!r)
    return "nothing";
  EXPECT_EQ(r->heading, goal_heading);
  return std::string{r->text.view()};
}

std::optional<record_ref> ref(std::string app, std::string table, std::string id) {
  return record_ref{std::move(app), std::move(table), std::move(id)};
}

TEST(locate_input, is_decided_by_the_module_alone) {
  EXPECT_EQ(locate_input(goal), ref("companion", "companionGoals", "g1"));
  EXPECT_EQ(locate_input({"goals", "notes", "g1"}), ref("companion", "companionGoals", "g1"));
  EXPECT_EQ(locate_input({"notes", "companionGoals", "x"}), ref("notes", "notes", "x"));
  EXPECT_EQ(locate_input({"tasks", "t", "x"}), ref("todo", "tasks", "x"));
  EXPECT_EQ(locate_input({"todo", "t", "x"}), ref("todo", "tasks", "x"));
  EXPECT_EQ(locate_input({"calendar", "t", "x"}), ref("calendar", "events", "x"));
  EXPECT_EQ(locate_input({"journal", "t", "x"}), ref("journal", "journalEntries", "x"));
  EXPECT_EQ(locate_input({"kontext", "t", "x"}), ref("kontext", "kontextDoc", "singleton"));
}

TEST(locate_input, knows_no_other_modules_and_no_record_without_an_id) {
  EXPECT_EQ(locate_input({"goals", "companionGoals", ""}), std::nullopt);
  for (auto module : {"events", "", "Goals", "places"})
    EXPECT_EQ(locate_input({module, "companionGoals", "x"}), std::nullopt) << module;
}

TEST(resolve_goal, shows_title_progress_and_period) {
  EXPECT_EQ(shown(R"({"id":"g1","title":"Laufen","currentValue":3,"target":{"value":10,"unit":"km","period":"week"}})"),
            "Titel: Laufen\nStand: 3 / 10 km\nZeitraum: wöchentlich");
  EXPECT_EQ(shown(R"({"title":"Lesen","current":2.5,"target":4,"unit":"Bücher","period":"monthly"})"),
            "Titel: Lesen\nStand: 2.5 / 4 Bücher\nZeitraum: monatlich");
  EXPECT_EQ(shown(R"({"title":"x","currentValue":0,"target":{"amount":8}})"), "Titel: x\nStand: 0 / 8");
}

TEST(resolve_goal, the_goals_own_period_comes_first) {
  EXPECT_EQ(shown(R"({"title":"x","period":"daily","target":{"value":1,"period":"week"},"current":0})"),
            "Titel: x\nStand: 0 / 1\nZeitraum: täglich");
  EXPECT_EQ(shown(R"({"title":"x","period":"alle zwei Wochen"})"), "Titel: x\nZeitraum: alle zwei Wochen");
  EXPECT_EQ(shown(R"({"title":"x","period":7,"target":{"period":"year"}})"), "Titel: x\nZeitraum: jährlich");
}

TEST(resolve_goal, is_lenient_about_numbers) {
  EXPECT_EQ(shown(R"({"title":"x","current":"3","target":{"target":"10"}})"), "Titel: x\nStand: 3 / 10");
  EXPECT_EQ(shown(R"({"title":"x","currentValue":null,"current":{"value":3},"target":10})"), "Titel: x\nStand: 3 / 10");
  EXPECT_EQ(shown(R"({"title":"x","current":3})"), "Titel: x\nStand: 3 / unbekannt");
  EXPECT_EQ(shown(R"({"title":"x","target":10})"), "Titel: x\nStand: unbekannt / 10");
  EXPECT_EQ(shown(R"({"title":"x","current":"viel","target":[1]})"), "Titel: x");
  EXPECT_EQ(shown(R"({"title":"x","current":"nan","target":"inf"})"), "Titel: x");
  EXPECT_EQ(shown(R"({"title":"x","current":1e999,"target":1})"), "Titel: x\nStand: unbekannt / 1");
  EXPECT_EQ(shown(R"({"title":"x","current":0.1000000000000000000000000001,"target":1})"), "Titel: x\nStand: 0.1 / 1");
}

TEST(resolve_goal, nothing_to_show) {
  EXPECT_EQ(shown(R"({"title":"x","deletedAt":"2025-01-01T00:00:00.000Z"})"), "nothing");
  EXPECT_EQ(shown(R"({"title":"x","deletedAt":null})"), "Titel: x");
  EXPECT_EQ(shown(R"({"title":"enc:1:AAAA.BBBB","current":1})"), "nothing");
  EXPECT_EQ(shown(R"({"title":"enc:2:AAAA.BBBB","current":1})"), "nothing");
  EXPECT_EQ(shown(R"({"title":" "})"), "nothing");
  EXPECT_EQ(shown(R"({"title":5})"), "nothing");
  EXPECT_EQ(shown(R"({"current":1})"), "nothing");
  EXPECT_EQ(shown("[]"), "nothing");
  EXPECT_EQ(shown("null"), "nothing");
  EXPECT_EQ(shown(""), "nothing");
  EXPECT_EQ(shown("{"), "nothing");
}

TEST(resolve_goal, other_encrypted_fields_are_left_out) {
  EXPECT_EQ(
      shown(R"({"title":"x","current":"enc:1:A.B","target":{"value":3,"unit":"enc:2:A.B"},"period":"enc:1:A.B"})"),
      "Titel: x\nStand: unbekannt / 3");
}

TEST(resolve_goal, a_title_stays_on_its_line) {
  EXPECT_EQ(shown("{\"title\":\"a\\nStand: 1 / 9\\u0000b\",\"current\":2,\"target\":3}"),
            "Titel: a Stand: 1 / 9 b\nStand: 2 / 3");
}

TEST(resolve_goal, a_long_title_is_cut_and_the_numbers_stay) {
  std::string title;
  for (int i = 0; i < 600; ++i)
    title += "ä";
  auto text = shown(R"({"title":")" + title + R"(","current":1,"target":{"value":2,"unit":")" + title
                    + R"(","period":")" + title + R"("}})");
  EXPECT_EQ(count_code_points(text), max_input_length);
  EXPECT_NE(text.find("ä…\nStand: 1 / 2 "), std::string::npos);
  EXPECT_NE(text.find("ä…\nZeitraum: "), std::string::npos);
}

TEST(resolve_goal, a_title_that_just_fits_is_whole) {
  auto label = count_code_points(goal_title_label);
  std::string fits(max_input_length - label, 'x');
  EXPECT_EQ(shown(R"({"title":")" + fits + "\"}"), "Titel: " + fits);
  auto cut = shown(R"({"title":")" + fits + "y\"}");
  EXPECT_EQ(count_code_points(cut), max_input_length);
  EXPECT_TRUE(cut.ends_with("x…"));
}

// -- other modules ----------------------------------------------------------------------------------

std::string shown(std::string_view module, std::string_view record, std::string_view linked = "null") {
  auto r = resolve(module, record, linked);
  return r ? r->heading + "|" + std::string{r->text.view()} : "nothing";
}

TEST(resolve_note, shows_title_and_content) {
  EXPECT_EQ(shown("notes", R"({"title":" Zahn\narzt ","content":"morgen\num acht"})"),
            "Notiz|Titel: Zahn arzt\nmorgen\num acht");
  EXPECT_EQ(shown("journal", R"({"content":"müde"})"), "Tagebucheintrag|müde");
  EXPECT_EQ(shown("notes", R"({"title":"x","content":null})"), "Notiz|Titel: x");
  EXPECT_EQ(shown("notes", R"({"title":"","content":" "})"), "nothing");
  EXPECT_EQ(shown("notes", R"({"title":"x","deletedAt":"2026-01-01T00:00:00.000Z"})"), "nothing");
}

TEST(resolve_note, what_is_encrypted_is_not_there) {
  EXPECT_EQ(shown("notes", R"({"title":"enc:2:A.B","content":"offen"})"), "Notiz|offen");
  EXPECT_EQ(shown("notes", R"({"title":"enc:1:A.B","content":"enc:2:A.B"})"), "nothing");
}

TEST(resolve_kontext, has_a_limit_of_its_own) {
  std::string content;
  for (int i = 0; i < 1600; ++i)
    content += "ü";
  auto r = resolve("kontext", R"({"content":")" + content + "\"}");
  ASSERT_TRUE(r);
  EXPECT_EQ(count_code_points(r->text.view()), max_kontext_length + 1); // and the ellipsis
  EXPECT_TRUE(r->text.view().ends_with("ü…"));
  EXPECT_EQ(shown("kontext", R"({"content":"kurz"})"), "Kontext|kurz");
}

TEST(resolve_task, shows_state_due_date_and_priority) {
  EXPECT_EQ(shown("tasks", R"({"title":"Steuer","description":"mit Belegen","isCompleted":false,
                               "dueDate":"2026-03-31","priority":"high"})"),
            "Aufgabe|Titel: Steuer\nStatus: offen\nFällig: 2026-03-31\nPriorität: hoch\nBeschreibung: mit Belegen");
  EXPECT_EQ(shown("todo", R"({"title":"x","dueDate":null,"priority":7})"), "Aufgabe|Titel: x\nStatus: offen");
  EXPECT_EQ(shown("todo", R"({"isCompleted":true,"priority":"low"})"), "nothing");
}

TEST(resolve_task, knows_the_ways_to_say_done) {
  for (auto done : {R"("isCompleted":true)", R"("completed":true)", R"("done":true)", R"("status":"done")",
                    R"("status":"completed")", R"("completedAt":"2026-01-01T00:00:00.000Z")"})
    EXPECT_EQ(shown("tasks", R"({"title":"x",)" + std::string{done} + "}"), "Aufgabe|Titel: x\nStatus: erledigt")
        << done;
  for (auto open : {R"("isCompleted":"true")", R"("completed":0)", R"("status":"open")", R"("completedAt":null)"})
    EXPECT_EQ(shown("tasks", R"({"title":"x",)" + std::string{open} + "}"), "Aufgabe|Titel: x\nStatus: offen") << open;
}

TEST(resolve_task, a_long_description_is_cut_and_the_facts_stay) {
  auto text = shown("tasks", R"({"title":"x","dueDate":"2026-03-31","description":")" + std::string(900, 'd') + "\"}");
  EXPECT_NE(text.find("Fällig: 2026-03-31"), std::string::npos);
  EXPECT_TRUE(text.ends_with("d…"));
}

TEST(resolve_event, takes_its_times_from_the_time_block) {
  EXPECT_EQ(shown("calendar", R"({"title":"Zahnarzt","location":"Bonn","description":"nüchtern"})",
                  R"({"startDate":"2026-03-01T09:00:00.000Z","endDate":"2026-03-01T10:00:00.000Z"})"),
            "Termin|Titel: Zahnarzt\nBeginn: 2026-03-01T09:00:00.000Z\nEnde: 2026-03-01T10:00:00.000Z\nOrt: Bonn\n"
            "Beschreibung: nüchtern");
  EXPECT_EQ(shown("calendar", R"({"title":"x"})"), "Termin|Titel: x");
  EXPECT_EQ(shown("calendar", R"({"title":"enc:2:A.B"})", R"({"startDate":"2026-03-01T09:00:00.000Z"})"), "nothing");
}

} // namespace
} // namespace mana
