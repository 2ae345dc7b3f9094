#include "http/audit_routes.hpp"

#include "actors/audit_chain/audit_chain.hpp"
#include "infra/crypto/base64.hpp"
#include "infra/json/value.hpp"

#include <gtest/gtest.h>

using namespace mana;
using namespace mana::http;

namespace {

using query = std::map<std::string, std::string>;

audit_row row() {
  audit_row r;
  r.id = 9'007'199'254'740'993; // more than a double holds
  r.user = {"u1"};
  r.mission = {"m1"};
  r.table = "notes";
  r.record = "n\"1";
  r.status = "ok";
  r.at_us = 1'772'352'000'123'000;
  r.run_id = "5f0c2f7e-58b8-4f0e-9a77-0f6a4f3b9d11";
  r.position = 7;
  r.previous_hash = std::string(64, 'a');
  r.hash = std::string(64, 'b');
  return r;
}

TEST(audit_query, has_defaults) {
  auto q = read_audit_query({}, {"u1"});
  ASSERT_TRUE(q);
  EXPECT_EQ(q->user.value, "u1");
  EXPECT_EQ(q->limit, 200u);
  EXPECT_FALSE(q->mission);
  EXPECT_FALSE(q->before);
  EXPECT_EQ(read_audit_query({{"limit", ""}, {"cursor", ""}, {"missionId", ""}}, {"u1"})->limit, 200u);
}

TEST(audit_query, never_takes_the_user_from_the_request) {
  EXPECT_EQ(read_audit_query({{"userId", "u2"}, {"user", "u2"}}, {"u1"})->user.value, "u1");
}

TEST(audit_query, clamps_the_limit) {
  for (auto [text, limit] :
       {std::pair{"1", 1u}, std::pair{"0", 1u}, std::pair{"-5", 1u}, std::pair{"1000", 1000u}, std::pair{"1001", 1000u},
        std::pair{"99999999999999999999999", 1000u}, std::pair{"-99999999999999999999999", 1u}}) {
    auto q = read_audit_query({{"limit", text}}, {"u1"});
    ASSERT_TRUE(q) << text;
    EXPECT_EQ(q->limit, limit) << text;
  }
}

TEST(audit_query, names_the_parameter_that_is_wrong) {
  for (auto& [name, value] : query{{"limit", "many"}, {"cursor", "x"}, {"missionId", std::string(513, 'm')}}) {
    auto q = read_audit_query({{name, value}}, {"u1"});
    ASSERT_FALSE(q) << name;
    EXPECT_EQ(q.error().code, errc::bad_request);
    EXPECT_TRUE(q.error().detail.starts_with(name + ":")) << q.error().detail;
  }
  EXPECT_FALSE(read_audit_query({{"limit", "1.5"}}, {"u1"}));
  EXPECT_FALSE(read_audit_query({{"limit", " 1"}}, {"u1"}));
}

TEST(audit_cursor, finds_its_position_again) {
  for (std::int64_t position : {std::int64_t{1}, std::int64_t{42}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(position_of_cursor(audit_cursor(position)), position);
    EXPECT_EQ(read_audit_query({{"cursor", audit_cursor(position)}}, {"u1"})->before, position);
  }
}

TEST(audit_cursor, of_anybody_elses_making_is_refused) {
  auto encoded = [](std::string_view text) { return crypto::to_base64url(crypto::as_bytes(text)); };
  for (auto& cursor :
       {std::string{}, std::string{"7"}, std::string{"%%%"}, encoded("7"), encoded("after:"), encoded("after:0"),
        encoded("after:-1"), encoded("after:+1"), encoded("after:01"), encoded("after:1 "), encoded("after:1;2"),
        encoded("after:9223372036854775808"), encoded("before:1"), audit_cursor(1) + "=", std::string(1000, 'A')})
    EXPECT_FALSE(position_of_cursor(cursor)) << cursor;
}

TEST(audit_json, of_a_page_is_that_of_the_contract) {
  audit_page page;
  page.rows = {row(), row()};
  page.rows[0].iteration_id = "i1";
  page.rows[0].status = "failed";
  page.rows[0].reason = "decrypt-failed";
  page.rows.pop_back();
  EXPECT_EQ(audit_page_json(page),
            R"({"rows":[{"id":"9007199254740993","missionId":"m1","iterationId":"i1","tableName":"notes",)"
            R"("recordId":"n\"1","status":"failed","reason":"decrypt-failed","ts":"2026-03-01T08:00:00.123Z",)"
            R"("runId":"5f0c2f7e-58b8-4f0e-9a77-0f6a4f3b9d11","position":7,"previousHash":")"
                + std::string(64, 'a') + R"(","hash":")" + std::string(64, 'b') + R"("}],"nextCursor":null})");
}

TEST(audit_json, has_null_for_what_is_missing_and_a_cursor_for_what_follows) {
  audit_page page;
  page.rows = {row()};
  page.next_before = 7;
  auto parsed = json::parse(audit_page_json(page));
  ASSERT_TRUE(parsed);
  auto& shown = parsed->find("rows")->as_array()->front();
  EXPECT_TRUE(shown.find("iterationId")->is_null());
  EXPECT_TRUE(shown.find("reason")->is_null());
  EXPECT_EQ(position_of_cursor(parsed->text("nextCursor")), 7);
}

TEST(audit_json, of_a_verdict) {
  audit_verdict v{3, 3, "ff", std::nullopt};
  EXPECT_EQ(audit_verdict_json(v),
            R"({"ok":true,"from":1,"anchor":null,"rows":3,"head":{"position":3,"hash":"ff"},"firstBad":null})");
  v.first_bad = bad_audit_row{4, 17, "it is bad"};
  EXPECT_EQ(audit_verdict_json(v), R"({"ok":false,"from":1,"anchor":null,"rows":3,"head":{"position":3,"hash":"ff"},)"
                                   R"("firstBad":{"position":4,"id":"17","problem":"it is bad"}})");
}

TEST(audit_json, of_a_verdict_says_from_where_the_chain_is_checked) {
  audit_verdict v{3, 10, "ff", std::nullopt, audit_anchor{7, "aa"}};
  EXPECT_EQ(audit_verdict_json(v), R"({"ok":true,"from":8,"anchor":{"position":7,"hash":"aa"},"rows":3,)"
                                   R"("head":{"position":10,"hash":"ff"},"firstBad":null})");
}

TEST(audit_json, of_a_head_is_signed_over_its_canonical_bytes) {
  // RFC 8032, 7.1, test 2.
  auto keys = crypto::parse_signing_keys("-----BEGIN PRIVATE KEY-----\n"
                                         "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5baz2zzRsERTgtajzGfNaumJNqM9u1PuKb7\n"
                                         "-----END PRIVATE KEY-----\n");
  ASSERT_TRUE(keys) << keys.error().detail;
  audit_head head{7, std::string(64, 'b'), timestamp{std::chrono::milliseconds{1'772'352'000'123}}};
  auto text = audit_head_json({"u1"}, head, keys->front());
  ASSERT_TRUE(text);
  auto body = json::parse(*text);
  ASSERT_TRUE(body);
  auto& statement = *body->find("statement");
  EXPECT_EQ(json::to_text(statement),
            R"({"userId":"u1","position":7,"hash":")" + head.hash + R"(","at":"2026-03-01T08:00:00.123Z"})");
  auto canonical = crypto::from_base64(body->text("canonical"));
  auto signature = crypto::from_base64(body->text("signature"));
  auto key = crypto::from_base64(body->text("publicKey"));
  ASSERT_TRUE(canonical && signature && key && key->size() == 32);
  EXPECT_EQ(*canonical, canonical_audit_head({"u1"}, head));
  crypto::ed25519_public raw{};
  std::copy(key->begin(), key->end(), raw.begin());
  EXPECT_TRUE(crypto::ed25519_verify(raw, *canonical, *signature));
  EXPECT_EQ(body->text("keyId"), keys->front().key_id());
}

} // namespace
