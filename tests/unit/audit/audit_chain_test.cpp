// The expected bytes and hashes are from Python's struct and hashlib, not from this code.
#include "actors/audit_chain/audit_chain.hpp"

#include "infra/crypto/base64.hpp"

#include <gtest/gtest.h>

using namespace mana;

namespace {

constexpr std::int64_t eight = 1'772'352'000'123'000; // 2026-03-01T08:00:00.123Z
const std::string zeros(64, '0');
const std::string first_hash = "9efa828232b87336b278c84e0a308cceb0cc0f134d73dc04197945e3a763d660";
const std::string second_hash = "7c038d0c4bb448cf08f95960466341b69be80407f68ef4e126329f69ccb123fb";

audit_row first_row() {
  audit_row r;
  r.id = 41;
  r.user = {"user-ü"};
  r.mission = {"m1"};
  r.iteration_id = "0b0e7f5c-7d0e-4f4e-9a6d-3f1f2b7a9c01";
  r.table = "notes";
  r.record = "n1";
  r.status = "ok";
  r.at_us = eight;
  r.position = 1;
  r.previous_hash = zeros;
  r.hash = first_hash;
  return r;
}

audit_row second_row() {
  auto r = first_row();
  r.id = 42;
  r.iteration_id.reset();
  r.table = "tasks";
  r.record = "t 2";
  r.status = "failed";
  r.reason = "ciphertext-malformed";
  r.position = 2;
  r.previous_hash = first_hash;
  r.hash = second_hash;
  return r;
}

// What the check says when this is the second row.
std::string problem_of_second(const audit_row& row) {
  chain_check check;
  EXPECT_TRUE(check.accept(first_row()));
  if (check.accept(row))
    return "none";
  auto v = check.verdict();
  EXPECT_EQ(v.rows, 1);
  EXPECT_EQ(v.head_hash, first_hash);
  EXPECT_EQ(v.first_bad->position, row.position);
  EXPECT_EQ(v.first_bad->id, row.id);
  return v.first_bad->problem;
}

TEST(audit_chain, canonical_bytes_are_those_of_the_contract) {
  EXPECT_EQ(crypto::to_hex(canonical_audit_row(first_row(), {})),
            "6d616e612d61692d61756469743a7631" // the label
            "00000007757365722dc3bc"
            "0000000131"
            "00000018323032362d30332d30315430383a30303a30302e3132335a"
            "000000026d31"
            "0000002430623065376635632d376430652d346634652d396136642d336631663262376139633031"
            "000000056e6f746573"
            "000000026e31"
            "000000026f6b"
            "ffffffff"
            "0000000000000000000000000000000000000000000000000000000000000000");
}

TEST(audit_chain, a_missing_text_is_not_an_empty_one) {
  auto empty = first_row();
  empty.reason = "";
  EXPECT_NE(canonical_audit_row(empty, {}), canonical_audit_row(first_row(), {}));
}

TEST(audit_chain, text_cannot_move_from_one_field_to_the_next) {
  auto a = first_row();
  auto b = first_row();
  a.table = "notes1";
  a.record = "n";
  b.table = "notes";
  b.record = "1n";
  EXPECT_NE(canonical_audit_row(a, {}), canonical_audit_row(b, {}));
}

TEST(audit_chain, a_whole_chain_is_good_and_ends_at_its_head) {
  chain_check check;
  EXPECT_TRUE(check.accept(first_row()));
  EXPECT_TRUE(check.accept(second_row()));
  auto v = check.verdict();
  EXPECT_FALSE(v.first_bad);
  EXPECT_EQ(v.rows, 2);
  EXPECT_EQ(v.head_position, 2);
  EXPECT_EQ(v.head_hash, second_hash);
}

TEST(audit_chain, an_empty_chain_is_good) {
  auto v = chain_check{}.verdict();
  EXPECT_FALSE(v.first_bad);
  EXPECT_EQ(v.rows, 0);
  EXPECT_EQ(v.head_hash, zeros);
}

TEST(audit_chain, every_change_of_content_is_noticed) {
  using change = void (*)(audit_row&);
  for (change c : {+[](audit_row& r) { r.user.value = "other"; }, +[](audit_row& r) { r.mission.value = "m2"; },
                   +[](audit_row& r) { r.iteration_id = "x"; }, +[](audit_row& r) { r.table = "notes"; },
                   +[](audit_row& r) { r.record = "t 3"; }, +[](audit_row& r) { r.status = "ok"; },
                   +[](audit_row& r) { r.reason.reset(); }, +[](audit_row& r) { *r.at_us += 1'000; },
                   +[](audit_row& r) { *r.at_us += 1; }, +[](audit_row& r) { r.at_us.reset(); },
                   +[](audit_row& r) { r.hash = zeros; }, +[](audit_row& r) { r.hash.clear(); }}) {
    auto row = second_row();
    c(row);
    EXPECT_EQ(problem_of_second(row), "its content does not match its hash");
  }
}

TEST(audit_chain, a_row_must_continue_its_predecessor) {
  auto row = second_row();
  row.previous_hash = zeros;
  EXPECT_NE(problem_of_second(row).find("does not continue the row before it"), std::string::npos);
}

TEST(audit_chain, a_gap_and_a_repetition_are_noticed) {
  auto row = second_row();
  for (std::int64_t position : {3, 1, 0, -2}) {
    row.position = position;
    EXPECT_EQ(problem_of_second(row), "the row at position 2 is missing before it");
  }
}

TEST(audit_chain, a_chain_without_its_beginning_is_bad) {
  chain_check check;
  EXPECT_FALSE(check.accept(second_row()));
  EXPECT_EQ(check.verdict().first_bad->position, 2);
}

crypto::digest hash_of(const audit_row& row, const crypto::digest& previous) {
  return crypto::sha256(canonical_audit_row(row, previous));
}

TEST(audit_chain, a_chain_without_its_beginning_is_good_from_its_anchor_on) {
  chain_check check;
  check.resume_after(1, hash_of(first_row(), {}));
  EXPECT_TRUE(check.accept(second_row()));
  auto v = check.verdict();
  EXPECT_EQ(v.rows, 1);
  EXPECT_EQ(v.head_position, 2);
  EXPECT_EQ(v.anchor->position, 1);
  EXPECT_EQ(v.anchor->hash, first_hash);
}

TEST(audit_chain, an_anchor_that_was_changed_does_not_fit_the_row_after_it) {
  chain_check other_hash;
  other_hash.resume_after(1, {});
  EXPECT_FALSE(other_hash.accept(second_row()));
  chain_check other_position;
  other_position.resume_after(7, hash_of(first_row(), {}));
  EXPECT_FALSE(other_position.accept(second_row()));
}

TEST(audit_chain, nothing_is_good_after_the_first_bad_row) {
  chain_check check;
  EXPECT_FALSE(check.accept(second_row()));
  EXPECT_FALSE(check.accept(first_row()));
  EXPECT_EQ(check.verdict().first_bad->id, 42);
}

TEST(audit_chain, a_head_has_a_canonical_form_of_its_own) {
  audit_head head{2, second_hash, timestamp{std::chrono::milliseconds{1'772'352'001'000}}};
  auto bytes = canonical_audit_head({"user-ü"}, head);
  EXPECT_EQ(bytes.size(), 133u);
  EXPECT_EQ(crypto::to_hex(crypto::sha256(bytes)), "7b9315da0fc968d5e64f5afd893bda7b1983bfa54efa241572366afbf0c01de7");
}

} // namespace
