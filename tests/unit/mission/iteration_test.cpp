#include "actors/mission/iteration.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace mana {
namespace {

mission_key key(std::string user, std::string mission) { return {{std::move(user)}, {std::move(mission)}}; }
timestamp at(std::string_view iso) { return parse_iso(iso).value(); }

const timestamp slot = at("2026-04-15T10:00:00Z");

TEST(iteration_id, is_a_version_5_uuid_and_always_the_same) {
  auto id = iteration_id_of(key("u", "m"), slot);
  EXPECT_TRUE(std::regex_match(id, std::regex{"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"}))
      << id;
  EXPECT_EQ(id, iteration_id_of(key("u", "m"), slot));
  EXPECT_EQ(id, "46b6771a-2593-57db-81b0-19e4c0d2aa30"); // stored iterations depend on it
}

TEST(iteration_id, differs_for_every_user_mission_and_slot) {
  std::set<std::string> ids;
  for (auto& k : {key("u", "m"), key("um", ""), key("", "um"), key("u", "n"), key("v", "m"), key("m", "u")})
    for (int ms = 0; ms < 3; ++ms)
      ids.insert(iteration_id_of(k, slot + std::chrono::milliseconds{ms}));
  EXPECT_EQ(ids.size(), 18u);
  EXPECT_NE(iteration_id_of(key("u", "m"), timestamp{std::chrono::milliseconds{-1}}),
            iteration_id_of(key("u", "m"), {}));
}

plan two_steps() {
  return {"the plan",
          {{"first", "create_task", json::object{{"title", "a"}}, "because"},
           {"second", "undo_drink", json::object{}, "so"}}};
}

TEST(planned_iteration, has_the_shape_of_the_contract) {
  EXPECT_EQ(planned_iteration("i", two_steps()), from_text(R"({"id":"i","plan":[
      {"id":"i-0","summary":"first","intent":{"kind":"toolCall","toolName":"create_task","params":{"title":"a"}},
       "status":"planned","rationale":"because"},
      {"id":"i-1","summary":"second","intent":{"kind":"toolCall","toolName":"undo_drink","params":{}},
       "status":"planned","rationale":"so"}],
    "summary":"the plan","overallStatus":"awaiting-review","source":"server"})"));
}

TEST(planned_iteration, without_steps_needs_no_review) {
  auto i = planned_iteration("i", {"nothing to do", {}});
  EXPECT_EQ(i.text("overallStatus"), "approved");
  EXPECT_TRUE(i.find("plan")->as_array()->empty());
}

TEST(planned_iteration, holds_nothing_that_jsonb_refuses) {
  using namespace std::string_literals;
  plan p{"a\0b"s, {{"\0"s, "t\0"s, from_text(R"({"k\u0000":["\u0000",{"x":"\u0000y"},1,null]})"), "r\0"s}}};
  auto text = json::to_text(planned_iteration("i", p));
  EXPECT_EQ(text.find("\\u0000"), std::string::npos) << text;
  EXPECT_EQ(planned_iteration("i", p).text("summary"), "a\xEF\xBF\xBD"
                                                       "b");
  EXPECT_EQ(failed_iteration("i", "x\0"s).text("summary"), "x\xEF\xBF\xBD");
}

TEST(failed_iteration, says_why) {
  EXPECT_EQ(failed_iteration("i", "the model did not answer"), from_text(R"({"id":"i","plan":[],
    "summary":"the model did not answer","overallStatus":"failed","source":"server"})"));
}

TEST(finished_at, sets_both_times_behind_the_id) {
  auto text = json::to_text(finished_at(failed_iteration("i", "s"), slot));
  EXPECT_TRUE(text.starts_with(
      R"({"id":"i","startedAt":"2026-04-15T10:00:00.000Z","finishedAt":"2026-04-15T10:00:00.000Z","plan":[])"))
      << text;
  auto again = finished_at(finished_at(failed_iteration("i", "s"), {}), slot);
  EXPECT_EQ(json::to_text(again), text);
  EXPECT_TRUE(finished_at(nullptr, slot).is_null());
}

TEST(has_iteration, looks_at_ids) {
  auto m = read_mission(from_text(R"({"iterations":[{"id":"a"},{"id":7}]})"));
  EXPECT_TRUE(has_iteration(m, "a"));
  EXPECT_FALSE(has_iteration(m, "b"));
}

merged_record record_of(std::string_view snapshot) {
  return *merged_record::from_snapshot("m", mission_merge_rules(), from_text(snapshot));
}

change as_change(const write_back& w, timestamp created_at) {
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(created_at.time_since_epoch()).count();
  return {{us, "row"}, change_op::update, w.data, w.field_timestamps};
}

TEST(make_write_back, carries_all_iterations_and_the_next_run) {
  auto fresh = record_of(R"({"iterations":[{"id":"old"}],"__fieldTimestamps":{}})");
  auto w = make_write_back(fresh, from_text(R"({"id":"new"})"), slot, at("2026-04-15T11:00:00Z"));
  EXPECT_EQ(w.data, from_text(R"({"iterations":[{"id":"old"},{"id":"new"}],"updatedAt":"2026-04-15T10:00:00.000Z",
    "nextRunAt":"2026-04-15T11:00:00.000Z"})"));
  EXPECT_EQ(w.field_timestamps, from_text(R"({"iterations":"2026-04-15T10:00:00.000Z",
    "updatedAt":"2026-04-15T10:00:00.000Z","nextRunAt":"2026-04-15T10:00:00.000Z"})"));
}

TEST(make_write_back, replaces_an_iteration_with_the_same_id) {
  auto fresh = record_of(R"({"iterations":[{"id":"a","summary":"before"},{"id":"b"}]})");
  auto w = make_write_back(fresh, from_text(R"({"id":"a","summary":"after"})"), slot, std::nullopt);
  EXPECT_EQ(*w.data.find("iterations"), from_text(R"([{"id":"b"},{"id":"a","summary":"after"}])"));
  EXPECT_TRUE(w.data.find("nextRunAt")->is_null());
}

TEST(make_write_back, starts_the_list_of_a_record_without_one) {
  merged_record nothing{"m", mission_merge_rules()};
  auto w = make_write_back(nothing, from_text(R"({"id":"a"})"), slot, std::nullopt);
  EXPECT_EQ(*w.data.find("iterations"), from_text(R"([{"id":"a"}])"));
}

TEST(make_write_back, carries_the_newest_iterations_and_its_own_however_old) {
  json::array many;
  for (int i = 0; i < 80; ++i)
    many.push_back(json::object{{"id", std::to_string(1000 + i)}, {"startedAt", std::to_string(2000 + i)}});
  merged_record fresh{"m", mission_merge_rules()};
  fresh.apply({{1, "a"}, change_op::update, json::object{{"iterations", many}}, {}});
  auto w = make_write_back(fresh, from_text(R"({"id":"new","startedAt":"1999"})"), slot, std::nullopt);
  auto& written = *w.data.find("iterations")->as_array();
  ASSERT_EQ(written.size(), kept_iterations);
  EXPECT_EQ(written.front().text("id"), "1031");
  EXPECT_EQ(written.back().text("id"), "new");
}

TEST(make_write_back, does_not_lose_against_a_clock_that_runs_ahead) {
  auto fresh = record_of(R"({"nextRunAt":"2026-04-15T10:00:00.000Z","updatedAt":"2027-01-01T00:00:00.000Z",
    "iterations":[{"id":"old","startedAt":"2026-01-01T00:00:00.000Z"}],"__fieldTimestamps":{
    "nextRunAt":"2027-01-01T00:00:00.000Z","updatedAt":"2027-01-01T00:00:00.000Z",
    "iterations":"2027-01-01T00:00:00.000Z","iterations.old":"2027-01-01T00:00:00.000Z"}})");
  auto iteration = finished_at(failed_iteration("new", "s"), slot);
  auto w = make_write_back(fresh, iteration, slot, at("2026-04-15T11:00:00Z"));
  fresh.apply(as_change(w, slot));
  auto m = read_mission(fresh.snapshot());
  EXPECT_EQ(m.next_run_at, parse_iso("2026-04-15T11:00:00Z"));
  EXPECT_TRUE(has_iteration(m, "new") && has_iteration(m, "old"));
  EXPECT_EQ(fresh.fields().find("updatedAt")->as_string()->substr(0, 4), "2026");
}

} // namespace
} // namespace mana
