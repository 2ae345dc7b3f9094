#include "actors/mission/list_retention.hpp"
#include "actors/mission/merge.hpp"
#include "messages/timestamp.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace mana {
namespace {

constexpr int many = 3 * static_cast<int>(kept_iterations);

std::string iso(int minute) { return to_iso(timestamp{std::chrono::minutes{minute}}); }

json::value iteration(int minute, const char* status = "approved") {
  return json::object{{"id", "i" + std::to_string(minute)}, {"startedAt", iso(minute)}, {"overallStatus", status}};
}

json::array iterations(int from, int until) {
  json::array out;
  for (int minute = from; minute < until; ++minute)
    out.push_back(iteration(minute));
  return out;
}

// Written in that minute, stamped with it or with another one.
change write(int minute, json::array list, std::optional<int> stamp = {}) {
  return {{minute * 60'000'000LL, "row" + std::to_string(minute)},
          change_op::update,
          json::object{{"iterations", std::move(list)}},
          json::object{{"iterations", iso(stamp.value_or(minute))}}};
}

// One write per iteration, as runs make them.
std::vector<change> runs(int n) {
  std::vector<change> out;
  for (int minute = 0; minute < n; ++minute)
    out.push_back(write(minute, {iteration(minute)}));
  return out;
}

merged_record folded(std::vector<change> changes) { return fold("m", mission_merge_rules(), std::move(changes)); }

merged_record through_snapshot(const merged_record& m) {
  return *merged_record::from_snapshot("m", mission_merge_rules(), m.snapshot());
}

const json::array& list_of(const merged_record& m) { return *m.fields().find("iterations")->as_array(); }

bool holds(const merged_record& m, std::string_view id) {
  auto& list = list_of(m);
  return std::any_of(list.begin(), list.end(), [&](auto& i) { return i.text("id") == id; });
}

TEST(iteration_retention, keeps_the_newest_by_start_then_id) {
  auto m = folded(runs(many));
  EXPECT_EQ(json::value{list_of(m)}, json::value{iterations(many - static_cast<int>(kept_iterations), many)});
}

TEST(iteration_retention, forgets_the_stamps_of_what_it_dropped) {
  auto m = folded(runs(many));
  EXPECT_EQ(m.stamp("iterations.i0"), nullptr);
  EXPECT_NE(m.stamp("iterations.i" + std::to_string(many - 1)), nullptr);
  EXPECT_EQ(m.snapshot().find("__fieldTimestamps")->as_object()->size(), kept_iterations + 1);
}

TEST(iteration_retention, keeps_what_awaits_review_beside_the_newest) {
  auto changes = runs(many);
  changes[3] = write(3, {iteration(3, "awaiting-review")});
  auto m = folded(changes);
  EXPECT_EQ(list_of(m).size(), kept_iterations + 1);
  EXPECT_EQ(list_of(m).front().text("id"), "i3");
  m.apply(write(many + 1, {iteration(3, "rejected")}));
  EXPECT_FALSE(holds(m, "i3"));
}

TEST(iteration_retention, gives_the_same_folded_at_once_and_run_by_run) {
  auto changes = runs(many);
  merged_record step_by_step{"m", mission_merge_rules()};
  for (auto& c : changes) {
    ASSERT_FALSE(step_by_step.needs_history(c));
    step_by_step.apply(c);
    step_by_step = through_snapshot(step_by_step);
  }
  EXPECT_EQ(step_by_step.snapshot(), folded(changes).snapshot());
}

TEST(iteration_retention, does_not_grow_by_a_browser_that_sends_all_it_has) {
  auto m = through_snapshot(folded(runs(many)));
  auto before = m.snapshot();
  auto all = write(many + 1, iterations(0, many), 1);
  EXPECT_FALSE(m.needs_history(all));
  m.apply(all);
  EXPECT_EQ(m.snapshot(), before);
}

TEST(iteration_retention, asks_for_the_history_before_an_old_open_iteration_returns) {
  auto changes = runs(many);
  auto stale = write(many + 1, {iteration(3, "awaiting-review")}, 2);
  auto m = folded(changes);
  EXPECT_TRUE(through_snapshot(m).needs_history(stale));
  EXPECT_FALSE(through_snapshot(m).commutes(stale));
  EXPECT_FALSE(m.needs_history(stale)); // it saw the review itself
  changes.push_back(stale);
  EXPECT_FALSE(holds(folded(changes), "i3"));
  // With a newer stamp it is the user's word.
  changes.back() = write(many + 1, {iteration(3, "awaiting-review")});
  EXPECT_TRUE(holds(folded(changes), "i3"));
}

TEST(iteration_retention, starts_anew_after_a_hard_delete) {
  auto m = through_snapshot(folded(runs(many)));
  m.apply({{many * 60'000'000LL, "gone"}, change_op::erase, {}, {}});
  m.apply(write(many + 1, iterations(0, 1)));
  EXPECT_TRUE(holds(m, "i0"));
}

TEST(iteration_retention, shortens_a_list_that_was_stored_longer) {
  json::object stored{{"iterations", iterations(0, many)}};
  auto m = *merged_record::from_snapshot("m", mission_merge_rules(), stored);
  EXPECT_EQ(list_of(m).size(), static_cast<std::size_t>(many));
  m.apply(write(many, {iteration(many)}));
  EXPECT_EQ(list_of(m).size(), kept_iterations);
}

} // namespace
} // namespace mana
