#include "actors/change_pusher/push_request.hpp"

#include <gtest/gtest.h>

using namespace mana;

namespace {

constexpr auto event = "6f1c0c1e-2222-4333-8444-555566667777";

std::string generated() { return "00000000-0000-4000-8000-000000000001"; }

std::string body_with(const std::string& changes) {
  return R"({"clientId":"tab-1","since":"","changes":)" + changes + "}";
}

pushed_row row_of(const std::string& change) {
  auto r = parse_push(body_with('[' + change + ']'), generated);
  EXPECT_TRUE(r) << (r ? "" : r.error().detail);
  return r && r->rows.size() == 1 ? r->rows[0] : pushed_row{};
}

std::string refused(const std::string& body) {
  auto r = parse_push(body, generated);
  if (r)
    return "accepted";
  EXPECT_EQ(r.error().code, errc::bad_request);
  return r.error().detail;
}
std::string refused_change(const std::string& change) { return refused(body_with('[' + change + ']')); }

std::string insert_with(const std::string& members) {
  return R"({"table":"tasks","id":"t1","op":"insert",)" + members + "}";
}
std::string update_with(const std::string& fields) {
  return R"({"table":"tasks","id":"t1","op":"update","fields":)" + fields + "}";
}

} // namespace

TEST(push_request, an_insert_holds_the_whole_record) {
  auto r = row_of(insert_with(R"("data":{"id":"t1","title":"Ä","n":1.50,"updatedAt":"2026-01-01T00:00:00.000Z"},)"
                              R"("eventId":")"
                              + std::string{event} + R"(","actor":{"kind":"user"})"));
  EXPECT_EQ(r.table, "tasks");
  EXPECT_EQ(r.record, "t1");
  EXPECT_EQ(r.op, "insert");
  EXPECT_EQ(r.event_id, event);
  EXPECT_EQ(r.data, R"({"id":"t1","title":"Ä","n":1.50,"updatedAt":"2026-01-01T00:00:00.000Z"})");
  EXPECT_EQ(r.timestamps, "{}");
  EXPECT_EQ(r.actor, R"({"kind":"user"})");
}

TEST(push_request, an_update_is_split_into_values_and_stamps) {
  auto r = row_of(update_with(R"({"title":{"value":null,"updatedAt":"2026-01-01T00:00:00.000Z"},)"
                              R"("cadence.everyMinutes":{"value":5,"updatedAt":"2026-01-01T00:00:00.001Z"}})"));
  EXPECT_EQ(r.data, R"({"title":null,"cadence.everyMinutes":5})");
  EXPECT_EQ(r.timestamps, R"({"title":"2026-01-01T00:00:00.000Z","cadence.everyMinutes":"2026-01-01T00:00:00.001Z"})");
  EXPECT_EQ(r.event_id, generated()) << "a change without an event gets one";
  EXPECT_EQ(r.actor, "");
}

TEST(push_request, a_deletion_is_soft_with_a_time_and_hard_without) {
  auto soft = row_of(R"({"table":"tasks","id":"t1","op":"delete","deletedAt":"2026-01-01T00:00:00.000Z"})");
  EXPECT_EQ(soft.data, R"({"deletedAt":"2026-01-01T00:00:00.000Z"})");
  EXPECT_EQ(soft.timestamps, soft.data);
  auto hard = row_of(R"({"table":"tasks","id":"t1","op":"delete","deletedAt":null})");
  EXPECT_EQ(hard.data, "{}");
  EXPECT_EQ(hard.timestamps, "{}");
}

TEST(push_request, an_actor_is_the_user_or_an_ai_with_its_reason) {
  auto with_actor = [](const std::string& actor) { return insert_with(R"("data":{},"actor":)" + actor); };
  auto ai = R"({"kind":"ai","missionId":"m1","iterationId":"i1","rationale":"because"})";
  EXPECT_EQ(row_of(with_actor(ai)).actor, ai);
  EXPECT_EQ(row_of(with_actor("null")).actor, "");
  EXPECT_EQ(refused_change(with_actor(R"({"kind":"system","source":"rule"})")).substr(0, 30),
            "changes[0].actor.kind: system ");
  EXPECT_EQ(refused_change(with_actor(R"({"kind":"admin"})")), "changes[0].actor.kind: must be user or ai");
  EXPECT_EQ(refused_change(with_actor(R"({"kind":"ai","missionId":"m1","iterationId":"i1"})")).substr(0, 27),
            "changes[0].actor.rationale:");
  EXPECT_EQ(refused_change(with_actor(R"(["user"])")), "changes[0].actor: must be an object");
  EXPECT_EQ(refused_change(with_actor(R"({"kind":"user","x":")" + std::string(17'000, 'x') + "\"}")),
            "changes[0].actor: must have at most 16 KiB");
}

TEST(push_request, what_is_wrong_with_the_request_is_named) {
  EXPECT_EQ(refused("[]"), "the body must be a JSON object");
  EXPECT_EQ(refused("{"), "the body must be a JSON object");
  EXPECT_TRUE(refused(R"({"changes":[]})").starts_with("clientId: "));
  EXPECT_TRUE(refused(R"({"clientId":"a\nb","changes":[]})").starts_with("clientId: "));
  EXPECT_EQ(refused(R"({"clientId":"mana-ai-runner","changes":[]})"), "clientId: is reserved");
  EXPECT_EQ(refused(R"({"clientId":"c","since":5,"changes":[]})"), "since: must be a text");
  EXPECT_TRUE(refused(R"({"clientId":"c","schemaVersion":0,"changes":[]})").starts_with("schemaVersion: "));
  EXPECT_TRUE(refused(R"({"clientId":"c","schemaVersion":3000000000,"changes":[]})").starts_with("schemaVersion: "));
  EXPECT_EQ(refused(R"({"clientId":"c"})"), "changes: must be an array");
}

TEST(push_request, at_most_a_thousand_changes) {
  auto changes = [](std::size_t n) {
    std::string out = "[";
    for (std::size_t i = 0; i < n; ++i)
      out += std::string{i > 0 ? "," : ""} + R"({"table":"t","id":"r","op":"delete"})";
    return out + "]";
  };
  EXPECT_EQ(parse_push(body_with(changes(1000)), generated)->rows.size(), 1000u);
  auto r = parse_push(body_with(changes(1001)), generated);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::limit_exceeded);
}

TEST(push_request, what_is_wrong_with_a_change_is_named_with_its_place) {
  auto second = [](const std::string& change) {
    return refused(body_with(R"([{"table":"t","id":"r","op":"delete"},)" + change + "]"));
  };
  EXPECT_EQ(second("5"), "changes[1]: must be an object");
  EXPECT_TRUE(second(R"({"table":"a b","id":"r","op":"delete"})").starts_with("changes[1].table: "));
  EXPECT_TRUE(second(R"({"table":"t","op":"delete"})").starts_with("changes[1].id: "));
  EXPECT_TRUE(
      second(R"({"table":"t","id":")" + std::string(201, 'x') + R"(","op":"delete"})").starts_with("changes[1].id: "));
  EXPECT_EQ(second(R"({"table":"t","id":"r","op":"merge"})"), "changes[1].op: must be insert, update or delete");
  EXPECT_TRUE(second(R"({"table":"t","id":"r","op":"delete","eventId":"6F1C0C1E-2222-4333-8444-555566667777"})")
                  .starts_with("changes[1].eventId: "));
  EXPECT_TRUE(
      second(R"({"table":"t","id":"r","op":"delete","deletedAt":"2026-01-01"})").starts_with("changes[1].deletedAt: "));
}

TEST(push_request, each_op_has_its_members_and_no_others) {
  EXPECT_EQ(refused_change(insert_with(R"("data":{},"fields":{})")), "changes[0].fields: does not go with insert");
  EXPECT_TRUE(refused_change(insert_with(R"("data":[])")).starts_with("changes[0].data: must be an object"));
  EXPECT_TRUE(refused_change(update_with("{}")).starts_with("changes[0].fields: "));
  EXPECT_EQ(refused_change(R"({"table":"t","id":"r","op":"update","fields":{"a":{"value":1}},"data":{}})"),
            "changes[0].data: does not go with update");
  EXPECT_EQ(refused_change(R"({"table":"t","id":"r","op":"delete","data":{}})"),
            "changes[0].data: does not go with delete");
}

TEST(push_request, stamps_have_the_one_form_that_compares_byte_wise) {
  for (auto* stamp : {"", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000Z", "2026-02-30T00:00:00.000Z",
                      "2026-01-01T00:00:00.000+", "zzzz-01-01T00:00:00.000Z"}) {
    auto field = R"({"title":{"value":1,"updatedAt":")" + std::string{stamp} + "\"}}";
    EXPECT_TRUE(refused_change(update_with(field)).starts_with("changes[0].fields.title.updatedAt: ")) << stamp;
    auto record = R"("data":{"updatedAt":")" + std::string{stamp} + "\"}";
    EXPECT_TRUE(refused_change(insert_with(record)).starts_with("changes[0].data.updatedAt: ")) << stamp;
  }
  EXPECT_EQ(row_of(insert_with(R"("data":{"deletedAt":null})")).data, R"({"deletedAt":null})");
  EXPECT_TRUE(refused_change(insert_with(R"("data":{"createdAt":null})")).starts_with("changes[0].data.createdAt: "));
}

TEST(push_request, names_that_never_merge_are_refused) {
  auto stamped = [](const std::string& name) {
    return update_with("{\"" + name + R"(":{"value":1,"updatedAt":"2026-01-01T00:00:00.000Z"}})");
  };
  for (auto* name : {"id", "id.x", "__fieldTimestamps", "__x.y", ".a", "a.", "a..b", "a\\u0001b"})
    EXPECT_TRUE(refused_change(stamped(name)).starts_with("changes[0].fields.")) << name;
  EXPECT_EQ(row_of(stamped("a.id")).data, R"({"a.id":1})");
  EXPECT_TRUE(refused_change(insert_with(R"("data":{"__x":1})")).starts_with("changes[0].data.__x: "));
  EXPECT_EQ(refused_change(insert_with(R"("data":{"id":"t2"})")), "changes[0].data.id: must be the change's id");
}

TEST(push_request, what_the_database_cannot_hold_is_refused_here) {
  EXPECT_EQ(refused_change(insert_with(R"("data":{"a":["x\u0000y"]})")),
            "changes[0].data.a: must not hold the character U+0000");
  EXPECT_EQ(refused_change(insert_with(R"("data":{"a":{"k\u0000":1}})")),
            "changes[0].data.a: must not hold the character U+0000");
  EXPECT_EQ(refused_change(insert_with(R"("data":{"a":1e999})")), "changes[0].data.a: holds a number out of range");
  EXPECT_EQ(refused_change(insert_with(R"("data":{"a":)" + std::string(401, '1') + "}")),
            "changes[0].data.a: holds a number out of range");
  auto nested = [](std::size_t n) { return R"("data":{"a":)" + std::string(n, '[') + std::string(n, ']') + "}"; };
  EXPECT_NE(row_of(insert_with(nested(55))).data, "");
  EXPECT_EQ(refused_change(insert_with(nested(60))).substr(0, 10), "changes[0]");
}
