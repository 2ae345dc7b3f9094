// Random histories against a model that states the rule and nothing else.
#include "actors/mission/merge.hpp"
#include "messages/timestamp.hpp"
#include "tests/unit/json/random_seed.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace mana {
namespace {

using generator = std::mt19937;

constexpr std::int64_t epoch_s = 1'776'247'200;

const std::vector<std::string> paths{"a",     "b",     "o",       "o.x",        "o.y",
                                     "o.x.p", "o.x.q", "o.x.p.r", "iterations", "deletedAt"};

struct history_options {
  bool ties = false;
  bool hard_deletes = false;
  merge_rules rules = mission_merge_rules();
};

class history_source {
public:
  history_source(generator& random, history_options options) : random_(random), options_(std::move(options)) {}

  std::vector<change> make(std::size_t n) {
    std::vector<change> out;
    for (std::size_t i = 0; i < n; ++i)
      out.push_back(make_change(static_cast<std::int64_t>(i)));
    return out;
  }

private:
  std::size_t pick(std::size_t n) { return random_() % n; }

  // Distinct unless ties are wanted.
  std::string stamp() {
    auto t = timestamp{std::chrono::seconds{epoch_s}} + std::chrono::seconds{pick(options_.ties ? 6 : 100'000)};
    while (!options_.ties && !used_.insert(to_iso(t)).second)
      t += std::chrono::milliseconds{1};
    return to_iso(t);
  }

  // When it started is a matter of its id where old ones are dropped, and anything otherwise.
  json::value any_iteration() {
    auto id = std::string(1, static_cast<char>('i' + pick(options_.rules.newest < 10 ? 8 : 4)));
    auto started = options_.rules.newest < 10 ? std::to_string((id[0] - 'i') / 2) : std::to_string(pick(3));
    return json::object{{"id", id},
                        {"startedAt", started},
                        {"overallStatus", pick(3) == 0 ? "awaiting-review" : "approved"},
                        {"v", static_cast<int>(pick(3))}};
  }

  json::value any_value(const std::string& path) {
    if (path == "iterations") {
      json::array list;
      for (auto n = pick(3); n > 0; --n)
        list.push_back(any_iteration());
      return list;
    }
    switch (pick(4)) {
      case 0: return json::object{{"x", json::object{{"p", static_cast<int>(pick(3))}}}, {"z", 1}};
      case 1: return json::object{{"p", json::object{{"r", 1}, {"s", 2}}}, {"y", 1}};
      case 2: return nullptr;
      default: return static_cast<int>(pick(options_.ties ? 3 : 1'000));
    }
  }

  change make_change(std::int64_t i) {
    change c;
    c.at = {(epoch_s + (options_.ties ? i / 2 : i)) * 1'000'000, "id" + std::to_string(1000 + i)};
    auto kind = pick(10);
    if (options_.hard_deletes && kind == 0) {
      c.op = change_op::erase;
      return c;
    }
    if (kind == 1) {
      c.op = change_op::erase;
      c.data = json::object{{"deletedAt", stamp()}};
      return c;
    }
    c.op = kind == 2 ? change_op::insert : change_op::update;
    json::object data;
    json::object stamps;
    for (auto n = pick(4); n > 0; --n) {
      auto& path = paths[pick(paths.size())];
      data.set(path, any_value(path));
      stamps.set(path, stamp());
    }
    if (c.op == change_op::insert)
      data.set("updatedAt", stamp());
    c.data = std::move(data);
    c.field_timestamps = std::move(stamps);
    return c;
  }

  generator& random_;
  history_options options_;
  std::set<std::string> used_;
};

// -- the model: sort the writes after the last hard delete, let each replace what is there ----------

struct model_write {
  std::string stamp;
  std::size_t row;
  std::string path;
  json::value value;
};

void replace(json::value& at, std::string_view path, const json::value& v) {
  if (at.as_object() == nullptr)
    at = json::object{};
  auto dot = path.find('.');
  auto name = path.substr(0, dot);
  if (dot == std::string_view::npos) {
    at.as_object()->set(name, v);
    return;
  }
  if (at.find(name) == nullptr)
    at.as_object()->set(name, nullptr);
  replace(*at.as_object()->find(name), path.substr(dot + 1), v);
}

std::vector<model_write> model_writes(const std::vector<change>& changes) {
  std::vector<model_write> out;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto& c = changes[i];
    if (c.op == change_op::erase && c.data.find("deletedAt") == nullptr) {
      out.clear();
      continue;
    }
    if (c.op == change_op::erase) {
      out.push_back({std::string{c.data.text("deletedAt")}, i, "deletedAt", *c.data.find("deletedAt")});
      out.push_back({std::string{c.data.text("deletedAt")}, i, "updatedAt", *c.data.find("deletedAt")});
      continue;
    }
    for (auto& [path, v] : *c.data.as_object())
      out.push_back({std::string{c.op == change_op::insert ? c.data.text("updatedAt") : c.field_timestamps.text(path)},
                     i, path, v});
  }
  std::sort(out.begin(), out.end(),
            [](auto& a, auto& b) { return std::tie(a.stamp, a.row, a.path) < std::tie(b.stamp, b.row, b.path); });
  return out;
}

// What stays of a list: the newest ones, and what awaits review.
json::array kept_of(const json::array& sorted, std::size_t newest) {
  json::array out;
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (i + newest >= sorted.size() || sorted[i].text("overallStatus") == "awaiting-review")
      out.push_back(sorted[i]);
  return out;
}

json::value model(std::vector<change> changes, std::size_t newest) {
  std::sort(changes.begin(), changes.end(), [](auto& a, auto& b) { return a.at < b.at; });
  if (changes.empty() || (changes.back().op == change_op::erase && changes.back().data.is_null()))
    return nullptr;
  json::value out = json::object{{"id", "r"}};
  std::map<std::string, json::value, std::less<>> iterations;
  for (auto& w : model_writes(changes)) {
    if (w.path != "iterations") {
      replace(out, w.path, w.value);
      continue;
    }
    out.as_object()->set("iterations", nullptr);
    for (auto& element : *w.value.as_array())
      iterations.insert_or_assign(std::string{element.text("id")}, element);
  }
  if (out.find("iterations") != nullptr) {
    json::array list;
    for (auto& [id, element] : iterations)
      list.push_back(element);
    std::stable_sort(list.begin(), list.end(),
                     [](auto& a, auto& b) { return a.text("startedAt") < b.text("startedAt"); });
    out.as_object()->set("iterations", kept_of(list, newest));
  }
  return out;
}

json::value fields_of(const merged_record& m) { return m.exists() ? json::value{m.fields()} : json::value{}; }

// Fed in any order, as a replica would be: in place when late and commuting, folded again when not.
// Between the changes the record goes through its snapshot. Returns how many were applied late.
std::size_t feed(const std::vector<change>& arrivals, const merge_rules& rules, bool must_commute) {
  std::vector<change> seen;
  merged_record m{"r", rules};
  change_position newest;
  std::size_t late = 0;
  for (auto& c : arrivals) {
    seen.push_back(c);
    bool in_order = seen.size() == 1 || newest < c.at;
    newest = std::max(newest, c.at);
    if (must_commute && !in_order) {
      EXPECT_TRUE(m.commutes(c)) << json::to_text(c.data) << json::to_text(m.snapshot());
    }
    if (in_order ? !m.needs_history(c) : m.commutes(c)) {
      late += in_order ? 0 : 1;
      m.apply(c);
    } else {
      m = fold("r", rules, seen);
    }
    auto folded = fold("r", rules, seen);
    EXPECT_EQ(m.snapshot(), folded.snapshot()) << json::to_text(c.data) << json::to_text(m.snapshot()) << "\n"
                                               << json::to_text(folded.snapshot());
    EXPECT_EQ(fields_of(m), model(seen, rules.newest));
    if (testing::Test::HasFailure())
      return late;
    if (m.exists())
      m = *merged_record::from_snapshot("r", rules, m.snapshot());
  }
  return late;
}

std::size_t run(const history_options& options, bool must_commute) {
  generator random{random_seed()};
  std::size_t late = 0;
  for (int round = 0; round < 150 && !testing::Test::HasFailure(); ++round) {
    auto changes = history_source{random, options}.make(2 + random() % 12);
    std::shuffle(changes.begin(), changes.end(), random);
    late += feed(changes, options.rules, must_commute);
  }
  return late;
}

TEST(random_histories, with_distinct_stamps_commute_in_any_order) {
  EXPECT_GT(run({.ties = false, .hard_deletes = false}, true), 30u);
}

TEST(random_histories, with_ties_give_the_ordered_fold) {
  EXPECT_GT(run({.ties = true, .hard_deletes = false}, false), 30u);
}

TEST(random_histories, with_hard_deletes_give_the_ordered_fold) {
  EXPECT_GT(run({.ties = false, .hard_deletes = true}, false), 30u);
}

TEST(random_histories, that_keep_few_iterations_give_the_ordered_fold) {
  merge_rules few{"iterations", true, 2};
  EXPECT_GT(run({.ties = false, .hard_deletes = false, .rules = few}, false), 30u);
  EXPECT_GT(run({.ties = true, .hard_deletes = true, .rules = few}, false), 30u);
}

TEST(random_histories, with_ties_and_hard_deletes_give_the_ordered_fold) {
  EXPECT_GT(run({.ties = true, .hard_deletes = true}, false), 30u);
}

} // namespace
} // namespace mana
