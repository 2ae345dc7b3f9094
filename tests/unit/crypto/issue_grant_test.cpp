#include "infra/crypto/grant/envelope.hpp"
#include "tests/unit/crypto/crypto_vectors.hpp"

using namespace mana;
using namespace mana::crypto;

namespace {

struct issued_grant : testing::Test {
  secret master = *random_key();
  grant_request request{"user-1",
                        {"mission-1", {"tasks", "notes"}, {"tasks:t1", "notes:n:1"}},
                        *parse_iso("2026-04-16T12:00:00.000Z"),
                        *parse_iso("2026-04-23T12:00:00.000Z")};

  std::variant<opened_grant, grant_skip> open(const json::value& grant) const {
    return open_grant(grant, request.user_id, request.scope.mission_id, request.issued_at, false, {private_keys()});
  }
};

TEST_F(issued_grant, opens_and_gives_the_records_keys) {
  auto grant = issue_grant(request, master, public_key());
  ASSERT_TRUE(grant) << grant.error().detail;
  auto opened = open(*grant);
  ASSERT_EQ(outcome(opened), "ok");
  auto& g = std::get<opened_grant>(opened);
  EXPECT_EQ(hex_of(g.key_of("notes", "n:1")), hex_of(record_key(master, "notes", "n:1")));
  EXPECT_EQ(hex_of(g.key_of("tasks", "t1")), hex_of(record_key(master, "tasks", "t1")));
}

TEST_F(issued_grant, has_the_contracts_shape) {
  request.scope.record_ids.push_back("notes:n:1");
  auto grant = *issue_grant(request, master, public_key());
  auto& derivation = *grant.find("derivation");
  EXPECT_EQ(derivation.text("version"), "v2");
  EXPECT_EQ(derivation.text("missionId"), "mission-1");
  EXPECT_EQ(texts_of(*derivation.find("tables")), (std::vector<std::string>{"notes", "tasks"}));
  EXPECT_EQ(texts_of(*derivation.find("recordIds")), (std::vector<std::string>{"notes:n:1", "tasks:t1"}));
  EXPECT_EQ(grant.text("issuedAt"), "2026-04-16T12:00:00.000Z");
  EXPECT_EQ(grant.text("expiresAt"), "2026-04-23T12:00:00.000Z");
  EXPECT_EQ(grant.text("keyId"), public_key().key_id());
  EXPECT_EQ(grant.text("wrappedKey").size(), 344U);
  EXPECT_EQ(grant.find("recordKeys")->as_object()->size(), 2U);
}

TEST_F(issued_grant, outlives_its_way_through_json) {
  auto grant = *issue_grant(request, master, public_key());
  EXPECT_EQ(outcome(open(from_text(json::to_text(grant)))), "ok");
}

TEST_F(issued_grant, may_have_a_thousand_records) {
  request.scope.record_ids.clear();
  for (std::size_t i = 0; i < max_grant_records; ++i)
    request.scope.record_ids.push_back("notes:record " + std::to_string(i) + " \xF0\x9F\x98\x80");
  auto grant = issue_grant(request, master, public_key());
  ASSERT_TRUE(grant) << grant.error().detail;
  auto opened = open(from_text(json::to_text(*grant)));
  ASSERT_EQ(outcome(opened), "ok");
  auto& g = std::get<opened_grant>(opened);
  for (std::size_t i = 0; i < max_grant_records; ++i)
    EXPECT_TRUE(g.key_of("notes", "record " + std::to_string(i) + " \xF0\x9F\x98\x80")) << i;
}

TEST_F(issued_grant, may_have_no_records) {
  request.scope.record_ids.clear();
  request.scope.tables.clear();
  EXPECT_EQ(outcome(open(*issue_grant(request, master, public_key()))), "ok");
}

TEST_F(issued_grant, wraps_a_key_that_only_this_scope_has) {
  auto opened = open(*issue_grant(request, master, public_key()));
  auto before = to_hex(std::get<opened_grant>(opened).mdk());
  request.expires_at += std::chrono::milliseconds{1};
  auto other = open(*issue_grant(request, master, public_key()));
  EXPECT_NE(to_hex(std::get<opened_grant>(other).mdk()), before);
}

TEST_F(issued_grant, opens_a_value_that_the_browser_sealed) {
  auto sealed = *seal_enc2(record_key(master, "tasks", "t1")->view(), "tasks", "t1", "title", "\"Milch\"");
  auto opened = open(*issue_grant(request, master, public_key()));
  auto key = std::get<opened_grant>(opened).key_of("tasks", "t1");
  ASSERT_TRUE(key);
  EXPECT_EQ(open_enc2(key->view(), "tasks", "t1", "title", sealed).json->view(), "\"Milch\"");
}

TEST_F(issued_grant, is_refused_beyond_what_could_be_opened) {
  auto refused = [&](grant_scope scope) {
    request.scope = std::move(scope);
    auto grant = issue_grant(request, master, public_key());
    return grant ? failure{} : grant.error();
  };
  std::string long_text(max_grant_text + 1, 'x');
  std::vector<std::string> many(max_grant_records + 1, "notes:n1");
  EXPECT_EQ(refused({long_text, {}, {}}), (failure{errc::limit_exceeded, "missionId"}));
  EXPECT_EQ(refused({"m", {long_text}, {}}), (failure{errc::limit_exceeded, "tables"}));
  EXPECT_EQ(refused({"m", {}, many}), (failure{errc::limit_exceeded, "recordIds"}));
  EXPECT_EQ(refused({"m", {}, {"notes"}}), (failure{errc::bad_request, "recordIds"}));
}

} // namespace
