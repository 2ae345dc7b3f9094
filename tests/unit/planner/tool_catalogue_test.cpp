#include "catalogue_for_tests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mana {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A catalogue with one tool `t` and these parameters.
std::string with_parameters(std::string_view parameters) {
  return R"({"tools":[{"name":"t","module":"m","description":"d","parameters":[)" + std::string{parameters} + "]}]}";
}

std::string catalogue_of(std::initializer_list<const char*> names) {
  std::string tools;
  for (auto* name : names)
    tools += std::string{tools.empty() ? "" : ","} + R"({"name":")" + name
             + R"(","module":"m","description":"d","parameters":[]})";
  return R"({"tools":[)" + tools + "]}";
}

std::string policy_of(std::initializer_list<std::pair<const char*, const char*>> entries) {
  std::string out;
  for (auto [name, policy] : entries)
    out += std::string{out.empty() ? "" : ","} + R"({"tool":")" + name + R"(","policy":")" + policy + "\"}";
  return R"({"policies":[)" + out + "]}";
}

std::string refusal(std::string_view catalogue, std::string_view policy) {
  auto loaded = load_tool_catalogue(catalogue, policy);
  if (loaded)
    return "accepted";
  EXPECT_EQ(loaded.error().code, errc::config_invalid);
  return loaded.error().detail;
}

TEST(tool_catalogue, the_embedded_one_offers_the_seven_tools) {
  auto loaded = load_embedded_tool_catalogue();
  ASSERT_TRUE(loaded) << loaded.error().detail;
  std::vector<std::string> names;
  for (auto& t : loaded->tools) {
    names.push_back(t.module + "." + t.name);
    EXPECT_NE(loaded->find_proposable(t.name), nullptr);
    EXPECT_FALSE(t.description.empty());
  }
  EXPECT_THAT(names,
              ElementsAre("todo.create_task", "todo.complete_task", "todo.complete_tasks_by_title",
                          "calendar.create_event", "places.create_place", "places.visit_place", "drink.undo_drink"));
}

TEST(tool_catalogue, parameters_are_those_of_the_contract) {
  auto* t = test::catalogue().find_proposable("create_task");
  ASSERT_NE(t, nullptr);
  ASSERT_EQ(t->parameters.size(), 4u);
  EXPECT_EQ(t->parameters[0].name, "title");
  EXPECT_TRUE(t->parameters[0].required);
  EXPECT_EQ(t->parameters[1].type, parameter_type::date);
  EXPECT_EQ(t->parameters[2].type, parameter_type::one_of);
  EXPECT_THAT(t->parameters[2].values, ElementsAre("low", "medium", "high"));
  EXPECT_FALSE(t->parameters[3].required);
  auto* event = test::catalogue().find_proposable("create_event");
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->parameters[1].type, parameter_type::datetime);
  EXPECT_TRUE(event->parameters[1].required);
  EXPECT_FALSE(event->parameters[2].required);
}

TEST(tool_catalogue, only_tools_with_policy_propose_are_found) {
  auto loaded =
      load_tool_catalogue(catalogue_of({"a", "b", "c"}), policy_of({{"a", "auto"}, {"b", "propose"}, {"c", "deny"}}));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->find_proposable("a"), nullptr);
  EXPECT_NE(loaded->find_proposable("b"), nullptr);
  EXPECT_EQ(loaded->find_proposable("c"), nullptr);
  EXPECT_EQ(loaded->find_proposable("d"), nullptr);
}

TEST(tool_catalogue, says_which_names_the_policy_lacks_and_has_too_many) {
  EXPECT_EQ(refusal(catalogue_of({"a", "b", "c"}), policy_of({{"b", "propose"}, {"x", "deny"}, {"y", "auto"}})),
            "tool policy disagrees with the tool catalogue: missing a, c; extra x, y");
  EXPECT_EQ(refusal(catalogue_of({"a"}), policy_of({})), "tool policy disagrees with the tool catalogue: missing a");
  EXPECT_EQ(refusal(catalogue_of({}), policy_of({{"x", "deny"}})),
            "tool policy disagrees with the tool catalogue: extra x");
}

TEST(tool_catalogue, refuses_duplicates) {
  EXPECT_THAT(refusal(catalogue_of({"a", "a"}), policy_of({{"a", "auto"}})), HasSubstr("tools[1].name: duplicate a"));
  EXPECT_THAT(refusal(catalogue_of({"a"}), policy_of({{"a", "auto"}, {"a", "deny"}})),
              HasSubstr("policies[1].tool: duplicate a"));
  auto p = R"({"name":"p","type":"string","required":true,"description":"d"})";
  EXPECT_THAT(refusal(with_parameters(std::string{p} + "," + p), policy_of({{"t", "auto"}})),
              HasSubstr("parameters[1].name: duplicate p"));
}

TEST(tool_catalogue, refuses_unknown_words_and_wrong_shapes) {
  auto policy = policy_of({{"t", "propose"}});
  auto parameter = [&](std::string_view text) { return refusal(with_parameters(text), policy); };
  EXPECT_THAT(parameter(R"({"name":"p","type":"int","required":true,"description":"d"})"), HasSubstr("type: unknown"));
  EXPECT_THAT(parameter(R"({"name":"p","type":"string","description":"d"})"), HasSubstr("parameters[0].required"));
  EXPECT_THAT(parameter(R"({"name":"p","type":"string","required":1,"description":"d"})"), HasSubstr(".required"));
  EXPECT_THAT(parameter(R"({"name":"p","type":"string","required":true})"), HasSubstr(".description"));
  EXPECT_THAT(parameter(R"({"name":"a b","type":"string","required":true,"description":"d"})"), HasSubstr(".name"));
  EXPECT_THAT(parameter(R"({"name":"p","type":"enum","required":true,"description":"d"})"), HasSubstr(".values"));
  EXPECT_THAT(parameter(R"({"name":"p","type":"enum","values":["x","x"],"required":true,"description":"d"})"),
              HasSubstr(".values"));
  EXPECT_THAT(parameter(R"({"name":"p","type":"string","values":["x"],"required":true,"description":"d"})"),
              HasSubstr(".values: only"));
  EXPECT_THAT(parameter("1"), HasSubstr("parameters[0].name"));
  EXPECT_THAT(refusal(catalogue_of({"t"}), policy_of({{"t", "maybe"}})), HasSubstr("policies[0].policy: unknown"));
  EXPECT_THAT(refusal(catalogue_of({"t"}), "{}"), HasSubstr("policies: no array"));
  EXPECT_THAT(refusal(catalogue_of({"t"}), "nope"), HasSubstr("tool policy: not JSON"));
  EXPECT_THAT(refusal("[]", policy), HasSubstr("tools: no array"));
  EXPECT_THAT(refusal("", policy), HasSubstr("tool catalogue: not JSON"));
  EXPECT_THAT(refusal(R"({"tools":[{"name":"t","module":"m","description":"d"}]})", policy),
              HasSubstr("tools[0].parameters"));
}

} // namespace
} // namespace mana
