#include "actors/grant_issuer/grant_rules.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace mana;

namespace {

using texts = std::vector<std::string>;

issue_mission_grant asked(texts tables = {"notes"}, texts ids = {"notes:n1"}, std::string mission = "m1") {
  issue_mission_grant out;
  out.user.value = "u1";
  out.mission.value = std::move(mission);
  out.tables = std::move(tables);
  out.record_ids = std::move(ids);
  return out;
}

std::string problem(const issue_mission_grant& g) {
  auto scope = checked_scope(g);
  if (scope)
    return "";
  EXPECT_EQ(scope.error().code, errc::bad_request);
  return scope.error().detail;
}

// The field that a refusal names.
std::string field(const issue_mission_grant& g) {
  auto text = problem(g);
  return text.substr(0, text.find(':'));
}

TEST(grant_rules, sort_and_unify_both_lists) {
  auto scope = checked_scope(asked({"tasks", "notes", "tasks"}, {"tasks:t1", "notes:n1", "tasks:t1"}));
  ASSERT_TRUE(scope);
  EXPECT_EQ(scope->mission_id, "m1");
  EXPECT_EQ(scope->tables, (texts{"notes", "tasks"}));
  EXPECT_EQ(scope->record_ids, (texts{"notes:n1", "tasks:t1"}));
}

TEST(grant_rules, let_a_colon_be_part_of_an_id) { EXPECT_EQ(problem(asked({"notes"}, {"notes:a:b"})), ""); }

TEST(grant_rules, let_a_table_have_no_record) { EXPECT_EQ(problem(asked({"notes", "tasks"})), ""); }

TEST(grant_rules, name_the_mission_that_is_empty_or_too_long) {
  EXPECT_EQ(field(asked({"notes"}, {"notes:n1"}, "")), "missionId");
  EXPECT_EQ(field(asked({"notes"}, {"notes:n1"}, std::string(201, 'm'))), "missionId");
  EXPECT_EQ(field(asked({"notes"}, {"notes:n1"}, "m\n1")), "missionId");
  EXPECT_EQ(problem(asked({"notes"}, {"notes:n1"}, std::string(200, 'm'))), "");
}

TEST(grant_rules, name_the_table_that_is_none) {
  EXPECT_EQ(field(asked({})), "tables");
  for (const std::string& name :
       {std::string{}, std::string{"a:b"}, std::string{"no tes"}, std::string{"1notes"}, std::string(65, 't')})
    EXPECT_EQ(field(asked({"notes", name})), "tables[1]") << name;
  texts many;
  for (int i = 0; i < 33; ++i)
    many.push_back("table" + std::to_string(i));
  many.emplace_back("notes");
  EXPECT_EQ(field(asked(many)), "tables");
}

TEST(grant_rules, name_the_record_that_is_none) {
  EXPECT_EQ(field(asked({"notes"}, {})), "recordIds");
  for (const std::string& id : {std::string{}, std::string{"notes"}, std::string{"notes:"}, std::string{":n1"},
                                "notes:" + std::string(201, 'n'), std::string{"notes:n\x01"}})
    EXPECT_EQ(field(asked({"notes"}, {"notes:n1", id})), "recordIds[1]") << id;
}

TEST(grant_rules, refuse_a_record_of_a_table_that_is_not_listed) {
  EXPECT_EQ(problem(asked({"notes"}, {"notes:n1", "tasks:t1"})), "recordIds[1]: its table is not in tables");
}

TEST(grant_rules, allow_a_thousand_different_records) {
  texts ids;
  for (int i = 0; i < 1000; ++i)
    ids.push_back("notes:" + std::to_string(i));
  ids.push_back(ids.front());
  EXPECT_EQ(problem(asked({"notes"}, ids)), "");
  ids.emplace_back("notes:one-too-many");
  EXPECT_EQ(field(asked({"notes"}, ids)), "recordIds");
}

TEST(grant_rules, clamp_the_life_of_a_grant) {
  EXPECT_EQ(clamped_ttl(0ms), 1h);
  EXPECT_EQ(clamped_ttl(2h), 2h);
  EXPECT_EQ(clamped_ttl(10'000h), 30 * 24h);
}

} // namespace
