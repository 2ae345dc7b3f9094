#include "actors/mission/mission.hpp"
#include "actors/mission/schedule.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

constexpr auto complete = R"({"id":"m1","title":"t","objective":"o","conceptMarkdown":"c","state":"active",
  "timeZone":"Europe/Berlin","inputs":[{"module":"goals","table":"companionGoals","id":"g1"}],
  "cadence":{"kind":"manual"},"nextRunAt":"2026-04-15T10:00:00.000Z","grant":{"wrappedKey":"k"},
  "iterations":[{"id":"i1"}],"deletedAt":null})";

TEST(read_mission, reads_every_field) {
  auto m = read_mission(from_text(complete));
  EXPECT_EQ(m.id.value, "m1");
  EXPECT_EQ(m.title, "t");
  EXPECT_EQ(m.objective, "o");
  EXPECT_EQ(m.concept_markdown, "c");
  EXPECT_EQ(m.state, "active");
  EXPECT_EQ(m.time_zone, "Europe/Berlin");
  ASSERT_EQ(m.inputs.size(), 1u);
  EXPECT_EQ(m.inputs[0], (input_ref{"goals", "companionGoals", "g1"}));
  EXPECT_EQ(m.cadence.text("kind"), "manual");
  EXPECT_EQ(m.next_run_at, parse_iso("2026-04-15T10:00:00Z"));
  EXPECT_FALSE(m.deleted);
  EXPECT_TRUE(m.has_grant);
  EXPECT_EQ(m.iterations.size(), 1u);
}

TEST(read_mission, reads_wrong_types_as_empty) {
  auto m = read_mission(from_text(R"({"id":1,"title":[],"objective":{},"conceptMarkdown":null,"state":true,"timeZone":7,
    "inputs":{"a":1},"cadence":"daily","nextRunAt":"tomorrow","grant":"x","iterations":"none","deletedAt":""})"));
  EXPECT_EQ(m.id.value + m.title + m.objective + m.concept_markdown + m.state + m.time_zone, "");
  EXPECT_TRUE(m.inputs.empty());
  EXPECT_TRUE(m.cadence.is_null());
  EXPECT_FALSE(m.next_run_at);
  EXPECT_TRUE(m.deleted);
  EXPECT_FALSE(m.has_grant);
  EXPECT_TRUE(m.iterations.empty());
  for (auto* nothing : {"null", "[]", "7", "{}"})
    EXPECT_EQ(read_mission(from_text(nothing)).state, "") << nothing;
}

TEST(read_mission, skips_garbage_in_lists) {
  auto m =
      read_mission(from_text(R"({"inputs":[null,7,{},{"module":"goals","table":"t"},{"module":"","table":"t","id":"x"},
    {"module":"goals","table":"t","id":9},{"module":"notes","table":"notes","id":"n"}],
    "iterations":[1,null,{"id":"i"}]})"));
  ASSERT_EQ(m.inputs.size(), 1u);
  EXPECT_EQ(m.inputs[0].module, "notes");
  EXPECT_EQ(m.iterations.size(), 1u);
}

TEST(read_mission, cuts_inputs_at_the_limit) {
  json::array inputs;
  for (int i = 0; i < 500; ++i)
    inputs.push_back(json::object{{"module", "goals"}, {"table", "t"}, {"id", std::to_string(i)}});
  auto m = read_mission(json::object{{"inputs", std::move(inputs)}});
  ASSERT_EQ(m.inputs.size(), max_inputs);
  EXPECT_EQ(m.inputs.back().id, "199");
}

schedule scheduled(std::string_view key, json::value v, std::size_t max_open = 1) {
  auto record = from_text(complete);
  record.as_object()->set(key, std::move(v));
  return schedule_of(read_mission(record), {.max_open_iterations = max_open});
}

TEST(schedule_of, an_active_mission_is_claimable_at_its_next_run) {
  auto s = schedule_of(read_mission(from_text(complete)), {});
  EXPECT_EQ(s.hold_reason, "");
  EXPECT_EQ(s.slot, parse_iso("2026-04-15T10:00:00Z"));
}

TEST(schedule_of, says_why_a_mission_is_held) {
  EXPECT_EQ(scheduled("state", "paused").hold_reason, "paused");
  EXPECT_EQ(scheduled("state", "done").hold_reason, "done");
  EXPECT_EQ(scheduled("state", "archived").hold_reason, "archived");
  EXPECT_EQ(scheduled("state", "Active").hold_reason, "unknown-state");
  EXPECT_EQ(scheduled("state", nullptr).hold_reason, "unknown-state");
  EXPECT_EQ(scheduled("deletedAt", "2026-04-15T10:00:00.000Z").hold_reason, "deleted");
  EXPECT_EQ(scheduled("nextRunAt", nullptr).hold_reason, "no-next-run");
  EXPECT_FALSE(scheduled("nextRunAt", "soon").slot);
  EXPECT_TRUE(scheduled("state", "paused").slot);
}

TEST(schedule_of, gives_the_first_of_several_reasons) {
  auto record = from_text(R"({"deletedAt":"x","state":"paused"})");
  EXPECT_EQ(schedule_of(read_mission(record), {}).hold_reason, "deleted");
  record.as_object()->erase("deletedAt");
  EXPECT_EQ(schedule_of(read_mission(record), {}).hold_reason, "paused");
}

TEST(schedule_of, waits_for_the_review_of_server_iterations) {
  auto open = from_text(R"([{"id":"a","source":"server","overallStatus":"awaiting-review"}])");
  EXPECT_EQ(scheduled("iterations", open).hold_reason, "waiting-for-review");
  EXPECT_EQ(scheduled("iterations", open, 2).hold_reason, "");
  auto settled = from_text(R"([{"id":"a","source":"server","overallStatus":"approved"},
    {"id":"b","source":"browser","overallStatus":"awaiting-review"},{"id":"c","overallStatus":"awaiting-review"},
    {"id":"d","source":"server","overallStatus":"failed"},{"id":"e","source":"server"}])");
  EXPECT_EQ(scheduled("iterations", settled).hold_reason, "");
  auto no_time = scheduled("nextRunAt", nullptr);
  EXPECT_EQ(no_time.hold_reason, "no-next-run");
}

} // namespace
} // namespace mana
