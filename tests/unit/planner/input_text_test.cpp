#include "actors/planner/input_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mana {
namespace {

const input_ref goal{"goals", "companionGoals", "g1"};

std::string shown(std::string_view record) {
  auto r = resolve_input(goal, record);
  if (!r)
    return "nothing";
  EXPECT_EQ(r->heading, goal_heading);
  return r->text;
}

TEST(locate_input, knows_goals_only) {
  EXPECT_EQ(locate_input(goal), (input_place{"companion", "companionGoals"}));
  EXPECT_EQ(locate_input({"goals", "somethingElse", "g1"}), (input_place{"companion", "companionGoals"}));
  EXPECT_EQ(locate_input({"goals", "companionGoals", ""}), std::nullopt);
  for (auto module : {"notes", "tasks", "todo", "calendar", "journal", "kontext", "", "Goals"})
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
  EXPECT_EQ(resolve_input({"notes", "notes", "n"}, R"({"title":"x"})"), std::nullopt);
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

} // namespace
} // namespace mana
