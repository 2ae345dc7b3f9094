// Which grants a mission's history leaves revoked.
#include "actors/mission/merge.hpp"
#include "infra/crypto/grant/grant.hpp"
#include "messages/timestamp.hpp"
#include "tests/unit/mission/vectors.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace mana {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t epoch_s = 1'776'247'200;

std::string at(int second) { return to_iso(timestamp{std::chrono::seconds{epoch_s + second}}); }

// A grant is told from another by its wrapped key alone.
json::value grant(const std::string& wrapped_key) {
  return json::object{{"wrappedKey", wrapped_key}, {"expiresAt", "2030-01-01T00:00:00.000Z"}};
}
std::string print_of(const std::string& wrapped_key) { return *crypto::grant_fingerprint(grant(wrapped_key)); }

const json::value a = grant("QUFB"), b = grant("QkJC"), c = grant("Q0ND");
const std::string print_a = print_of("QUFB"), print_b = print_of("QkJC"), print_c = print_of("Q0ND");

change row(int second, change_op op, json::object data, json::object stamps = {}) {
  return {{(epoch_s + second) * 1'000'000, "row" + std::to_string(second)}, op, std::move(data), std::move(stamps)};
}
change set(int second, const std::string& path, json::value v) {
  return row(second, change_op::update, {{path, std::move(v)}});
}
change set_with_stamp(int second, json::value v, int stamp) {
  return row(second, change_op::update, {{"grant", std::move(v)}}, {{"grant", at(stamp)}});
}
change insert(int second, json::value v) { return row(second, change_op::insert, {{"grant", std::move(v)}}); }
change soft_delete(int second) { return row(second, change_op::erase, {{"deletedAt", at(second)}}); }
change undelete(int second) { return set(second, "deletedAt", nullptr); }
change hard_delete(int second) { return row(second, change_op::erase, {}); }

merged_record merged(std::vector<change> changes) { return fold("m", mission_merge_rules(), std::move(changes)); }

std::vector<std::string> revoked(const merged_record& r) { return r.grants().revoked.since({}); }

TEST(revoked_grants, a_grant_in_force_is_not_revoked) {
  auto r = merged({insert(1, a), set(2, "title", "x")});
  EXPECT_EQ(r.grants().in_force, print_a);
  EXPECT_THAT(revoked(r), IsEmpty());
  EXPECT_EQ(r.snapshot().find(revoked_grants_key), nullptr);
}

TEST(revoked_grants, a_replaced_grant_is_revoked) {
  auto r = merged({insert(1, a), set(2, "grant", b)});
  EXPECT_EQ(r.grants().in_force, print_b);
  EXPECT_THAT(revoked(r), UnorderedElementsAre(print_a));
}

TEST(revoked_grants, a_nulled_grant_is_revoked) {
  auto r = merged({insert(1, a), set(2, "grant", nullptr)});
  EXPECT_EQ(r.grants().in_force, std::nullopt);
  EXPECT_THAT(revoked(r), UnorderedElementsAre(print_a));
}

TEST(revoked_grants, the_same_grant_sent_again_stays_in_force) {
  auto with_other_expiry = a;
  with_other_expiry.as_object()->set("expiresAt", "2040-01-01T00:00:00.000Z");
  auto r = merged({insert(1, a), set(2, "grant", a), insert(3, a), set(4, "grant", with_other_expiry)});
  EXPECT_EQ(r.grants().in_force, print_a);
  EXPECT_THAT(revoked(r), IsEmpty());
}

TEST(revoked_grants, a_replayed_grant_is_in_force_and_revoked) {
  auto r = merged({insert(1, a), set(2, "grant", nullptr), set(3, "grant", a)});
  EXPECT_EQ(r.grants().in_force, print_a);
  EXPECT_THAT(revoked(r), UnorderedElementsAre(print_a));
}

TEST(revoked_grants, a_replay_after_the_snapshot_was_stored_is_known_too) {
  auto before = merged({insert(1, a), set(2, "grant", nullptr)}).snapshot();
  auto r = *merged_record::from_snapshot("m", mission_merge_rules(), before);
  r.apply(set(3, "grant", a));
  EXPECT_TRUE(r.grants().revoked.holds(print_a));
  EXPECT_EQ(grant_memory::of(r.snapshot()), r.grants().revoked);
}

TEST(revoked_grants, another_spelling_of_the_key_is_the_same_grant) {
  auto padded = grant("QUFBQQ=="), unpadded = grant("QUFBQQ");
  auto r = merged({insert(1, padded), set(2, "grant", nullptr), set(3, "grant", unpadded)});
  EXPECT_TRUE(r.grants().revoked.holds(*r.grants().in_force));
}

TEST(revoked_grants, a_dotted_path_replaces_a_grant_when_it_reaches_the_key) {
  auto r = merged({insert(1, a), set(2, "grant.wrappedKey", "QkJC")});
  EXPECT_EQ(r.grants().in_force, print_b);
  EXPECT_THAT(revoked(r), UnorderedElementsAre(print_a));
  EXPECT_THAT(revoked(merged({insert(1, a), set(2, "grant.wrappedKey", nullptr)})), UnorderedElementsAre(print_a));
  EXPECT_THAT(revoked(merged({insert(1, a), set(2, "grant.expiresAt", "2040-01-01T00:00:00.000Z")})), IsEmpty());
}

TEST(revoked_grants, deletion_withdraws_the_grant_and_undeletion_does_not_bring_it_back) {
  auto soft = merged({insert(1, a), soft_delete(2)});
  EXPECT_EQ(soft.grants().in_force, std::nullopt);
  EXPECT_THAT(revoked(soft), UnorderedElementsAre(print_a));
  soft.apply(undelete(3));
  EXPECT_EQ(soft.grants().in_force, print_a);
  EXPECT_THAT(revoked(soft), UnorderedElementsAre(print_a));

  auto hard = merged({insert(1, a), hard_delete(2)});
  EXPECT_THAT(revoked(hard), UnorderedElementsAre(print_a));
  hard.apply(insert(3, a));
  EXPECT_THAT(revoked(hard), UnorderedElementsAre(print_a));
}

TEST(revoked_grants, a_grant_given_while_deleted_is_good_after_undeletion) {
  auto r = merged({insert(1, a), soft_delete(2), set(3, "grant", b), undelete(4)});
  EXPECT_EQ(r.grants().in_force, print_b);
  EXPECT_THAT(revoked(r), UnorderedElementsAre(print_a));
}

TEST(revoked_grants, a_grant_that_loses_on_arrival_is_revoked) {
  auto r = merged({insert(1, a), set_with_stamp(2, nullptr, 20), set_with_stamp(3, b, 10)});
  EXPECT_EQ(r.grants().in_force, std::nullopt);
  EXPECT_THAT(revoked(r), UnorderedElementsAre(print_a, print_b));
}

TEST(revoked_grants, late_rows_that_concern_grants_do_not_commute) {
  auto r = merged({insert(1, a), set_with_stamp(5, c, 5)});
  for (auto& late : {set_with_stamp(3, nullptr, 3), set_with_stamp(3, b, 9), set(3, "grant.expiresAt", "x"),
                     undelete(3), soft_delete(3), hard_delete(3)})
    EXPECT_FALSE(r.commutes(late));
  EXPECT_TRUE(r.commutes(set(3, "title", "x")));
  EXPECT_TRUE(fold("r", {}, {insert(1, a)}).commutes(set(0, "grant", "of another table")));
}

TEST(revoked_grants, a_late_withdrawal_before_a_replay_is_found_by_folding_again) {
  auto known = merged({insert(1, a), set_with_stamp(5, a, 5)});
  EXPECT_THAT(revoked(known), IsEmpty());
  auto folded = merged({insert(1, a), set_with_stamp(5, a, 5), set_with_stamp(3, nullptr, 3)});
  folded.remember(known.grants());
  EXPECT_EQ(folded.grants().in_force, print_a);
  EXPECT_THAT(revoked(folded), UnorderedElementsAre(print_a));
}

TEST(revoked_grants, folding_again_forgets_nothing) {
  auto before = merged({insert(1, a), set(2, "grant", b)}).grants();
  auto shorter = merged({set(2, "title", "x")}); // rows were deleted from the log
  shorter.remember(before);
  EXPECT_THAT(revoked(shorter), UnorderedElementsAre(print_a, print_b));
}

TEST(revoked_grants, what_is_no_grant_is_not_remembered) {
  EXPECT_THAT(revoked(merged({insert(1, 7), set(2, "grant", "x"), set(3, "grant", json::object{}),
                              set(4, "grant", json::array{a}), set(5, "grant", nullptr)})),
              IsEmpty());
}

TEST(grant_memory, too_many_withdrawn_grants_leave_none_usable) {
  grant_memory m;
  for (std::size_t i = 0; i < max_revoked_grants; ++i)
    m.add("f" + std::to_string(i));
  EXPECT_TRUE(m.holds("f0"));
  EXPECT_FALSE(m.holds("other"));
  m.add("one more");
  EXPECT_TRUE(m.holds("other"));
  m.add("and another");
  EXPECT_EQ(m.to_json().as_array()->size(), max_revoked_grants + 1);
  EXPECT_TRUE(grant_memory::of(json::object{{std::string{revoked_grants_key}, m.to_json()}}).holds("other"));
}

TEST(grant_memory, what_cannot_be_read_revokes_everything) {
  for (auto* stored : {"7", "null", "{}", R"(["x",7])"})
    EXPECT_TRUE(grant_memory::of(json::object{{std::string{revoked_grants_key}, from_text(stored)}}).holds("any"))
        << stored;
  EXPECT_FALSE(grant_memory::of(json::object{}).holds("any"));
}

} // namespace
} // namespace mana
