#include "actors/mission/merge.hpp"
#include "messages/timestamp.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

// Second n of an arbitrary minute, as a stamp.
std::string at(int n) { return to_iso(timestamp{std::chrono::seconds{1'776'247'200 + n}}); }

change row(int second, change_op op, std::string_view data, std::string_view stamps = "{}") {
  return {
      {(1'776'247'200 + second) * 1'000'000LL, "row" + std::to_string(second)}, op, from_text(data), from_text(stamps)};
}
change insert(int second, std::string_view data) { return row(second, change_op::insert, data); }
change update(int second, std::string_view data) { return row(second, change_op::update, data); }
change erase(int second, std::string_view data = "{}") { return row(second, change_op::erase, data); }

merged_record merged(std::vector<change> changes) { return fold("r", mission_merge_rules(), std::move(changes)); }
json::value record(std::vector<change> changes) { return merged(std::move(changes)).fields(); }

TEST(merge, agrees_with_the_vectors) {
  auto vectors = test_vectors("lww");
  ASSERT_EQ(vectors.as_array()->size(), 10u);
  for (auto& vector : *vectors.as_array()) {
    std::vector<change> changes;
    for (auto& r : *vector.find("rows")->as_array()) {
      auto us = parse_iso(r.text("created_at"))->time_since_epoch().count() * 1000;
      changes.push_back({{us, "r" + std::to_string(changes.size())},
                         *parse_change_op(r.text("op")),
                         *r.find("data"),
                         *r.find("field_timestamps")});
    }
    auto m = merged(changes);
    auto& expected = *vector.find("expected");
    if (expected.is_null()) {
      EXPECT_FALSE(m.exists()) << vector.text("name");
      EXPECT_TRUE(m.snapshot().is_null());
      continue;
    }
    EXPECT_EQ(m.fields(), *expected.find("record")->as_object()) << vector.text("name");
    EXPECT_EQ(*m.snapshot().find("__fieldTimestamps"), *expected.find("stamps")) << vector.text("name");
  }
}

TEST(merge, knows_the_operations) {
  EXPECT_EQ(parse_change_op("insert"), change_op::insert);
  EXPECT_EQ(parse_change_op("update"), change_op::update);
  EXPECT_EQ(parse_change_op("delete"), change_op::erase);
  EXPECT_EQ(parse_change_op("erase"), std::nullopt);
  EXPECT_EQ(parse_change_op(""), std::nullopt);
}

TEST(merge, treats_garbage_as_empty) {
  for (auto* garbage : {"null", "[]", "7", "\"x\""}) {
    auto m = merged({row(1, change_op::insert, garbage, garbage), row(2, change_op::update, garbage, garbage)});
    EXPECT_EQ(json::value{m.fields()}, from_text(R"({"id":"r"})")) << garbage;
    EXPECT_FALSE(merged({insert(1, R"({"a":1})"), row(2, change_op::erase, garbage, garbage)}).exists());
    EXPECT_EQ(*merged({row(1, change_op::update, R"({"a":1})", garbage)}).stamp("a"), at(1)) << garbage;
  }
}

TEST(merge, takes_stamps_of_a_wrong_type_as_missing) {
  auto m = merged({row(1, change_op::update, R"({"a":1,"b":2,"c":3})", R"({"a":7,"b":null,"c":""})")});
  for (auto* field : {"a", "b", "c"})
    EXPECT_EQ(*m.stamp(field), at(1));
  EXPECT_EQ(*merged({insert(1, R"({"a":1,"updatedAt":9})")}).stamp("a"), at(1));
  EXPECT_EQ(*merged({insert(1, R"({"a":1,"updatedAt":9,"createdAt":"2020"})")}).stamp("a"), "2020");
  EXPECT_EQ(*merged({insert(1, R"({"a":1,"updatedAt":"2021","createdAt":"2020"})")}).stamp("a"), "2021");
}

TEST(merge, never_merges_id_and_reserved_keys) {
  auto m = record({insert(1, R"({"id":"x","__v":1,"__fieldTimestamps":{"a":"9"},"a":1})"),
                   update(2, R"({"id":"y","id.x":1,"__proto__.x":1,"a.":1,".a":1,"a..b":1,"":1,".":1})")});
  EXPECT_EQ(m, from_text(R"({"id":"r","a":1})"));
}

TEST(merge, hard_delete_forgets_everything) {
  auto m = merged({insert(1, R"({"a":1,"b":1})"), erase(2), insert(3, R"({"a":2})")});
  EXPECT_EQ(json::value{m.fields()}, from_text(R"({"id":"r","a":2})"));
  EXPECT_EQ(m.stamp("b"), nullptr);
  // A new record is new even when its stamps are older than those of the removed one.
  EXPECT_EQ(
      record({insert(1, R"({"a":1})"), erase(2), insert(3, R"({"a":2,"updatedAt":"2020"})")}).find("a")->as_integer(),
      2);
}

TEST(merge, soft_delete_hides_and_a_newer_null_restores) {
  auto deleted = erase(2, R"({"deletedAt":")" + at(2) + "\"}");
  EXPECT_TRUE(merged({insert(1, "{}"), deleted}).hidden());
  EXPECT_FALSE(merged({insert(1, "{}"), deleted, update(3, R"({"deletedAt":null})")}).hidden());
  auto older = row(3, change_op::update, R"({"deletedAt":null})", R"({"deletedAt":")" + at(1) + "\"}");
  EXPECT_TRUE(merged({insert(1, "{}"), deleted, older}).hidden());
  EXPECT_FALSE(merged({insert(1, "{}")}).hidden());
  EXPECT_FALSE(merged({insert(1, "{}"), erase(2, R"({"deletedAt":null})")}).exists());
}

TEST(merge, orders_rows_of_one_time_by_id) {
  std::vector<change> changes{{{5, "b"}, change_op::update, from_text(R"({"a":"b"})"), {}},
                              {{5, "a"}, change_op::update, from_text(R"({"a":"a"})"), {}}};
  EXPECT_EQ(record(changes).text("a"), "b");
}

TEST(dotted_path, a_whole_object_keeps_newer_parts) {
  auto newer = update(5, R"({"c.kind":"x","c.deep.a":1})");
  auto whole = row(6, change_op::update, R"({"c":{"kind":"y","n":1}})", R"({"c":")" + at(3) + "\"}");
  EXPECT_EQ(*record({newer, whole}).find("c"), from_text(R"({"kind":"x","n":1,"deep":{"a":1}})"));
}

TEST(dotted_path, a_whole_object_forgets_older_parts) {
  auto m = merged({update(1, R"({"c.kind":"x"})"), update(2, R"({"c":{"n":1}})")});
  EXPECT_EQ(*m.fields().find("c"), from_text(R"({"n":1})"));
  EXPECT_EQ(m.stamp("c.kind"), nullptr);
}

TEST(dotted_path, loses_against_a_newer_object_around_it) {
  auto older = row(3, change_op::update, R"({"c.kind":"x","c.new":1})", R"({"c.kind":"2020","c.new":"2020"})");
  EXPECT_EQ(*record({update(1, R"({"c":{"kind":"y"}})"), older}).find("c"), from_text(R"({"kind":"y"})"));
}

TEST(dotted_path, makes_objects_where_there_are_none) {
  EXPECT_EQ(record({update(1, R"({"a.b.c":1})")}), from_text(R"({"id":"r","a":{"b":{"c":1}}})"));
  EXPECT_EQ(record({update(1, R"({"a":"text"})"), update(2, R"({"a.b":1})")}), from_text(R"({"id":"r","a":{"b":1}})"));
  EXPECT_EQ(record({update(1, R"({"a":[1]})"), update(2, R"({"a.0":2})")}), from_text(R"({"id":"r","a":{"0":2}})"));
}

TEST(dotted_path, applies_parents_before_children_of_one_change) {
  auto expected = from_text(R"({"id":"r","a":{"b":2,"n":1}})");
  EXPECT_EQ(record({update(1, R"({"a":{"n":1,"b":1},"a.b":2})")}), expected);
  EXPECT_EQ(record({update(1, R"({"a.b":2,"a":{"n":1,"b":1}})")}), expected);
}

TEST(dotted_path, is_limited_in_depth) {
  std::string path = "a";
  for (std::size_t i = 1; i < max_path_names; ++i)
    path += ".a";
  EXPECT_NE(record({update(1, "{\"" + path + "\":1}")}).find("a"), nullptr);
  EXPECT_EQ(record({update(1, "{\"" + path + ".a\":1}")}).find("a"), nullptr);
  EXPECT_EQ(record({update(1, "{\"a" + std::string(100'000, '.') + "a\":1}")}).find("a"), nullptr);
}

TEST(dotted_path, never_makes_a_record_too_deep_to_be_parsed) {
  for (std::size_t levels = 1; levels < json::max_depth; ++levels) {
    auto deep = std::string(levels, '[') + std::string(levels, ']');
    auto m = merged({update(1, "{\"top\":" + deep + ",\"a.b.c.d\":" + deep + "}")});
    EXPECT_TRUE(json::parse(json::to_text(m.snapshot()))) << levels;
    EXPECT_NE(m.fields().find("top"), nullptr);
    EXPECT_EQ(m.fields().find("a") != nullptr, levels <= json::max_depth - 4) << levels;
  }
}

TEST(iterations, are_the_union_of_both_lists) {
  auto m =
      merged({insert(1, R"({"iterations":[]})"), update(2, R"({"iterations":[{"id":"a","startedAt":"2"}]})"),
              row(3, change_op::update, R"({"iterations":[{"id":"b","startedAt":"1"}]})", R"({"iterations":"2020"})")});
  EXPECT_EQ(json::to_text(*m.fields().find("iterations")),
            R"([{"id":"b","startedAt":"1"},{"id":"a","startedAt":"2"}])");
  EXPECT_EQ(*m.stamp("iterations"), at(2));
  EXPECT_EQ(*m.stamp("iterations.a"), at(2));
  EXPECT_EQ(*m.stamp("iterations.b"), "2020");
}

TEST(iterations, of_one_id_the_later_stamp_wins_and_on_a_tie_the_later_row) {
  auto list = [](const char* v) { return R"({"iterations":[{"id":"a","v":")" + std::string{v} + "\"}]}"; };
  auto of = [](const std::vector<change>& changes) {
    return std::string{record(changes).find("iterations")->as_array()->at(0).text("v")};
  };
  EXPECT_EQ(of({update(1, list("x")), update(2, list("y"))}), "y");
  EXPECT_EQ(of({update(1, list("x")), row(2, change_op::update, list("y"), R"({"iterations":"2020"})")}), "x");
  EXPECT_EQ(of({update(1, list("x")), row(2, change_op::update, list("y"), R"({"iterations":")" + at(1) + "\"}")}),
            "y");
}

TEST(iterations, ignore_what_has_no_place_in_the_list) {
  auto m = record({update(1, R"({"iterations":[{"id":"a"}]})"), update(2, R"({"iterations":null})"),
                   update(3, R"({"iterations":{"id":"x"}})"), update(4, R"({"iterations.a":1,"iterations.b.c":1})"),
                   update(5, R"({"iterations":[null,7,"x",{},{"id":9},{"id":""},[{"id":"y"}]]})")});
  EXPECT_EQ(m, from_text(R"({"id":"r","iterations":[{"id":"a"}]})"));
  EXPECT_EQ(record({update(1, R"({"iterations":7})")}), from_text(R"({"id":"r"})"));
}

TEST(iterations, may_have_ids_of_any_form) {
  auto m =
      merged({update(1, R"({"iterations":[{"id":"a.b"},{"id":"."}]})"), update(2, R"({"iterations":[{"id":"a"}]})")});
  EXPECT_EQ(m.fields().find("iterations")->as_array()->size(), 3u);
  EXPECT_EQ(*m.stamp("iterations.a.b"), at(1));
}

TEST(iterations, merge_like_any_field_in_other_tables) {
  auto m = fold("r", {}, {update(1, R"({"iterations":[{"id":"a"}]})"), update(2, R"({"iterations":[{"id":"b"}]})")});
  EXPECT_EQ(*m.fields().find("iterations"), from_text(R"([{"id":"b"}])"));
}

TEST(snapshot, is_read_back) {
  auto m = merged({insert(1, R"({"a":1})"), erase(2), insert(3, R"({"a":{"b":1},"iterations":[{"id":"i"}]})")});
  auto again = merged_record::from_snapshot("r", mission_merge_rules(), from_text(json::to_text(m.snapshot())));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fields(), m.fields());
  EXPECT_EQ(again->snapshot(), m.snapshot());
  EXPECT_TRUE(again->exists());
}

TEST(snapshot, may_be_garbage) {
  for (auto* garbage : {"null", "[]", "7", "\"x\""})
    EXPECT_EQ(merged_record::from_snapshot("r", mission_merge_rules(), from_text(garbage)).error().code,
              errc::mission_invalid);
  auto m = merged_record::from_snapshot(
      "r", mission_merge_rules(),
      from_text(R"({"id":7,"a":1,"iterations":"x","__erasedAt":7,"__x":1,"__fieldTimestamps":{"a":7,"b":"2020"}})"));
  ASSERT_TRUE(m);
  EXPECT_EQ(json::value{m->fields()}, from_text(R"({"id":"r","a":1})"));
  EXPECT_EQ(m->stamp("a"), nullptr);
  m->apply(update(1, R"({"a":2,"iterations":[{"id":"i"}]})"));
  EXPECT_EQ(m->fields().find("a")->as_integer(), 2);
  for (auto* stamps : {"null", "[]", "7"})
    EXPECT_TRUE(merged_record::from_snapshot("r", {}, json::object{{"__fieldTimestamps", from_text(stamps)}}));
}

TEST(commutes, only_where_order_cannot_matter) {
  auto known =
      merged({insert(2, R"({"a":1,"o":{"x":1}})"), update(5, R"({"b":1,"p.q":1,"iterations":[{"id":"i","v":1}]})")});
  auto stamped = [](int second, const std::string& data, const std::string& field, int stamp) {
    return row(second, change_op::update, data, "{\"" + field + "\":\"" + at(stamp) + "\"}");
  };
  EXPECT_TRUE(known.commutes(update(3, R"({"a":2,"new":1,"o.x":2,"p":{"q":2}})")));
  EXPECT_TRUE(known.commutes(insert(1, R"({"a":0,"b":0,"iterations":[{"id":"i","v":0},{"id":"j"}]})")));
  EXPECT_TRUE(known.commutes(erase(3, R"({"deletedAt":")" + at(3) + "\"}")));
  EXPECT_FALSE(known.commutes(erase(3)));
  EXPECT_FALSE(known.commutes(stamped(3, R"({"b":2})", "b", 5)));
  EXPECT_TRUE(known.commutes(stamped(3, R"({"b":1})", "b", 5)));
  EXPECT_FALSE(known.commutes(stamped(3, R"({"o.x":1})", "o.x", 2)));   // ties with the object around it
  EXPECT_FALSE(known.commutes(stamped(3, R"({"p":{"q":1}})", "p", 5))); // ties with a part of it
  EXPECT_FALSE(known.commutes(stamped(3, R"({"iterations":[{"id":"i","v":2}]})", "iterations", 5)));
  EXPECT_TRUE(known.commutes(stamped(3, R"({"iterations":[{"id":"i","v":1},{"id":"k"}]})", "iterations", 5)));
  EXPECT_FALSE((merged_record{"r", {}}.commutes(update(1, R"({"a":1})"))));
}

TEST(commutes, not_across_a_hard_delete_even_of_an_older_record) {
  auto reborn = merged({insert(1, R"({"a":1})"), erase(3), insert(5, R"({"a":2})")});
  auto again = *merged_record::from_snapshot("r", mission_merge_rules(), reborn.snapshot());
  EXPECT_FALSE(again.commutes(update(2, R"({"lost":1})")));
  EXPECT_TRUE(again.commutes(update(4, R"({"kept":1})")));
}

} // namespace
} // namespace mana
