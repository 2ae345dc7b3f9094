#include "tests/unit/crypto/crypto_vectors.hpp"

using namespace mana;
using namespace mana::crypto;

namespace {

// -- v1 ----------------------------------------------------------------------------------------------

std::variant<opened_grant, grant_skip> open_v1(const json::value& grant, timestamp now) {
  auto mission = grant.find("derivation")->text("missionId");
  return open_grant(grant, "any user", mission, now, false, {private_keys()});
}

TEST(open_grant_v1, decides_all_vectors) {
  auto vectors = test_vectors("grants");
  auto now = *parse_iso(vectors.text("now"));
  for (auto& v : *vectors.find("cases")->as_array()) {
    auto opened = open_v1(*v.find("grant"), now);
    EXPECT_EQ(outcome(opened), v.text("expected")) << v.text("name");
    if (auto* g = std::get_if<opened_grant>(&opened)) {
      EXPECT_EQ(g->version(), 1);
      EXPECT_EQ(to_hex(g->mdk()), v.text("mdk_hex")) << v.text("name");
    }
  }
}

struct v1_grant : testing::Test {
  json::value vectors = test_vectors("grants");
  timestamp now = *parse_iso(vectors.text("now"));
  json::value grant = *vectors.find("cases")->as_array()->front().find("grant");
};

TEST_F(v1_grant, allows_its_records_and_has_no_keys_for_them) {
  auto opened = open_v1(grant, now);
  auto& g = std::get<opened_grant>(opened);
  auto ids = texts_of(*grant.find("derivation")->find("recordIds"));
  auto colon = ids.front().find(':');
  EXPECT_TRUE(g.allows(ids.front().substr(0, colon), ids.front().substr(colon + 1)));
  EXPECT_FALSE(g.allows("notes", "another"));
  EXPECT_FALSE(g.key_of(ids.front().substr(0, colon), ids.front().substr(colon + 1)));
}

TEST_F(v1_grant, is_malformed_for_another_mission) {
  EXPECT_EQ(outcome(open_grant(grant, "u", "another", now, false, {private_keys()})), "malformed");
}

TEST_F(v1_grant, is_malformed_where_v1_is_switched_off) {
  auto mission = grant.find("derivation")->text("missionId");
  EXPECT_EQ(outcome(open_grant(grant, "u", mission, now, false, {private_keys(), false})), "malformed");
}

// -- v2 ----------------------------------------------------------------------------------------------

TEST(open_grant_v2, opens_all_vectors) {
  auto vectors = test_vectors("v2");
  for (auto& v : *vectors.find("grants")->as_array()) {
    auto& grant = *v.find("grant");
    auto now = *parse_iso(grant.text("issuedAt"));
    auto opened =
        open_grant(grant, v.text("userId"), grant.find("derivation")->text("missionId"), now, false, {private_keys()});
    ASSERT_EQ(outcome(opened), "ok") << v.text("name");
    auto& g = std::get<opened_grant>(opened);
    EXPECT_EQ(g.version(), 2);
    EXPECT_EQ(to_hex(g.mdk()), v.text("mdk_hex")) << v.text("name");
    for (auto& [name, hex] : *v.find("record_key_hex")->as_object()) {
      auto colon = name.find(':');
      EXPECT_EQ(hex_of(g.key_of(name.substr(0, colon), name.substr(colon + 1))), *hex.as_string());
    }
  }
}

TEST(open_grant_v2, refuses_all_vectors_that_it_should) {
  auto vectors = test_vectors("v2");
  for (auto& v : *vectors.find("grants_rejected")->as_array()) {
    auto& grant = *v.find("grant");
    auto now = *parse_iso(grant.text("issuedAt"));
    for (auto mission : {grant.find("derivation")->text("missionId"), std::string_view{"mission-abc"}})
      EXPECT_EQ(outcome(open_grant(grant, v.text("userId"), mission, now, false, {private_keys()})), v.text("expected"))
          << v.text("name");
  }
}

struct v2_grant : testing::Test {
  json::value vector = test_vectors("v2").find("grants")->as_array()->front();
  json::value grant = *vector.find("grant");
  std::string user{vector.text("userId")};
  std::string mission{grant.find("derivation")->text("missionId")};
  timestamp now = *parse_iso(grant.text("issuedAt"));
  timestamp end = *parse_iso(grant.text("expiresAt"));
  std::vector<rsa_private_key> keys = private_keys();
  bool revoked = false;

  std::variant<opened_grant, grant_skip> open() const { return open_grant(grant, user, mission, now, revoked, {keys}); }
  std::string opens() const { return outcome(open()); }
  void set(std::string_view member, json::value v) { grant.as_object()->set(member, std::move(v)); }
  void derive(std::string_view member, json::value v) {
    grant.as_object()->find("derivation")->as_object()->set(member, std::move(v));
  }
};

TEST_F(v2_grant, is_not_configured_before_anything_else) {
  keys.clear();
  grant = json::value{};
  EXPECT_EQ(opens(), "not-configured");
}

TEST_F(v2_grant, ends_with_the_millisecond_of_its_expiry) {
  now = end - std::chrono::milliseconds{1};
  EXPECT_EQ(opens(), "ok");
  now = end;
  EXPECT_EQ(opens(), "expired");
}

TEST_F(v2_grant, that_is_no_object_has_expired) {
  for (auto& no_grant : {json::value{}, json::value{1}, json::value{"text"}, json::value{json::array{}}}) {
    grant = no_grant;
    EXPECT_EQ(opens(), "expired");
  }
}

TEST_F(v2_grant, is_found_malformed_before_revoked_and_revoked_before_unwrapped) {
  revoked = true;
  EXPECT_EQ(opens(), "revoked");
  user = "another";
  EXPECT_EQ(opens(), "revoked");
  set("wrappedKey", "%");
  EXPECT_EQ(opens(), "malformed");
}

TEST_F(v2_grant, does_not_open_for_another_user_or_mission) {
  user = "another";
  EXPECT_EQ(opens(), "wrap-rejected");
  user = vector.text("userId");
  mission = "another";
  EXPECT_EQ(opens(), "wrap-rejected");
  derive("missionId", "another");
  EXPECT_EQ(opens(), "wrap-rejected");
}

TEST_F(v2_grant, does_not_open_with_any_bound_member_edited) {
  auto original = grant;
  auto edited = [&](auto edit) {
    grant = original;
    edit();
    return opens();
  };
  EXPECT_EQ(edited([&] { set("expiresAt", to_iso(end + std::chrono::hours{1})); }), "wrap-rejected");
  EXPECT_EQ(edited([&] { set("expiresAt", to_iso(end).substr(0, 19) + "Z"); }), "wrap-rejected");
  EXPECT_EQ(edited([&] { set("issuedAt", to_iso(now + std::chrono::hours{1})); }), "wrap-rejected");
  EXPECT_EQ(edited([&] { derive("tables", json::array{"notes"}); }), "wrap-rejected");
  EXPECT_EQ(edited([&] { derive("recordIds", json::array{"notes:n1"}); }), "wrap-rejected");
  EXPECT_EQ(edited([&] { derive("recordIds", json::array{"notes:n1", "tasks:t1", "notes:n2"}); }), "wrap-rejected");
  EXPECT_EQ(edited([&] { derive("version", "v1"); }), "wrap-rejected");
}

TEST_F(v2_grant, opens_with_its_lists_in_another_order_and_with_duplicates) {
  derive("recordIds", json::array{"tasks:t1", "notes:n1", "tasks:t1"});
  derive("tables", json::array{"tasks", "notes", "notes"});
  EXPECT_EQ(opens(), "ok");
}

TEST_F(v2_grant, is_malformed_with_any_member_missing_or_of_another_type) {
  auto original = grant;
  for (auto* member : {"wrappedKey", "derivation", "issuedAt", "recordKeys"})
    for (auto& wrong : {json::value{}, json::value{7}, json::value{json::array{1}}, json::value{true}}) {
      grant = original;
      set(member, wrong);
      EXPECT_EQ(opens(), "malformed") << member;
      grant.as_object()->erase(member);
      EXPECT_EQ(opens(), "malformed") << member;
    }
  for (auto* member : {"version", "missionId", "tables", "recordIds"})
    for (auto& wrong : {json::value{}, json::value{7}, json::value{json::array{1}}, json::value{json::object{}}}) {
      grant = original;
      derive(member, wrong);
      EXPECT_EQ(opens(), "malformed") << member;
    }
  grant = original;
  derive("version", "v3");
  EXPECT_EQ(opens(), "malformed");
}

TEST_F(v2_grant, is_malformed_beyond_the_limits) {
  auto original = grant;
  auto with = [&](auto edit) {
    grant = original;
    edit();
    return opens();
  };
  std::string long_text(max_grant_text + 1, 'x');
  json::array many(max_grant_records + 1, json::value{"notes:n1"});
  json::object many_keys;
  for (std::size_t i = 0; i <= max_grant_records; ++i)
    many_keys.set("notes:" + std::to_string(i), "AAAA");
  EXPECT_EQ(with([&] { derive("recordIds", many); }), "malformed");
  EXPECT_EQ(with([&] { derive("tables", many); }), "malformed");
  EXPECT_EQ(with([&] { derive("recordIds", json::array{long_text}); }), "malformed");
  EXPECT_EQ(with([&] { derive("missionId", long_text); }), "malformed");
  EXPECT_EQ(with([&] { set("issuedAt", long_text); }), "malformed");
  EXPECT_EQ(with([&] { set("recordKeys", many_keys); }), "malformed");
  EXPECT_EQ(with([&] { set("recordKeys", json::object{{"notes:n1", std::string(81, 'A')}}); }), "malformed");
  EXPECT_EQ(with([&] { set("wrappedKey", std::string(4'000'000, 'A')); }), "malformed");
}

TEST_F(v2_grant, is_refused_with_a_wrapped_key_of_another_length) {
  for (std::size_t n : {0U, 1U, 255U, 257U, 1024U}) {
    set("wrappedKey", to_base64(bytes(n, 1)));
    EXPECT_EQ(opens(), "wrap-rejected") << n;
  }
}

TEST_F(v2_grant, is_refused_in_every_prefix_of_its_wrapped_key) {
  std::string whole{grant.text("wrappedKey")};
  for (std::size_t n = 0; n + 2 < whole.size(); n += 7) {
    set("wrappedKey", whole.substr(0, n));
    EXPECT_NE(opens(), "ok") << n;
  }
}

TEST_F(v2_grant, opens_with_the_named_key_or_else_with_any) {
  auto other = *parse_private_keys(rsa_pem("other_private_key_pkcs8_pem"));
  keys = {other.front(), private_keys().front()};
  EXPECT_EQ(opens(), "ok");
  set("keyId", "0123456789abcdef");
  EXPECT_EQ(opens(), "ok") << "an unknown id";
  grant.as_object()->erase("keyId");
  EXPECT_EQ(opens(), "ok") << "no id";
  set("keyId", 7);
  EXPECT_EQ(opens(), "ok") << "no id of the right type";
  set("keyId", other.front().key_id());
  EXPECT_EQ(opens(), "wrap-rejected") << "the id of another key";
}

TEST_F(v2_grant, is_malformed_when_it_wraps_something_else_than_a_key) {
  auto canonical =
      canonical_grant_v2(user, scope_of(*grant.find("derivation")), grant.text("issuedAt"), grant.text("expiresAt"));
  for (std::size_t n : {0U, 16U, 31U, 33U, 64U}) {
    set("wrappedKey", to_base64(*public_key().wrap(*secret::make(n), sha256(canonical))));
    EXPECT_EQ(opens(), "malformed") << n;
  }
}

TEST_F(v2_grant, has_keys_for_its_records_only) {
  auto& members = *grant.as_object()->find("recordKeys")->as_object();
  members.set("notes:n9", *members.find("notes:n1")->as_string());
  auto opened = open();
  auto& g = std::get<opened_grant>(opened);
  EXPECT_TRUE(g.allows("notes", "n1"));
  EXPECT_TRUE(g.key_of("notes", "n1"));
  for (auto& [table, id] : {std::pair{"notes", "n9"}, {"notes", ""}, {"", "n1"}, {"tasks", "n1"}, {"notes:n1", ""}}) {
    EXPECT_FALSE(g.allows(table, id)) << table << id;
    EXPECT_FALSE(g.key_of(table, id)) << table << id;
  }
}

TEST_F(v2_grant, has_no_key_for_a_record_whose_key_was_changed_or_exchanged) {
  auto& members = *grant.as_object()->find("recordKeys")->as_object();
  members.set("notes:n1", *members.find("tasks:t1")->as_string());
  members.set("tasks:t1", "AAAA");
  auto opened = open();
  auto& g = std::get<opened_grant>(opened);
  EXPECT_FALSE(g.key_of("notes", "n1"));
  EXPECT_FALSE(g.key_of("tasks", "t1"));
}

// -- fingerprint -------------------------------------------------------------------------------------

TEST_F(v2_grant, has_a_fingerprint_that_no_edit_changes_but_another_key) {
  auto own = grant_fingerprint(grant);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->size(), 32U);
  std::string wrapped{grant.text("wrappedKey")};
  set("expiresAt", "x");
  derive("recordIds", json::array{});
  set("wrappedKey", wrapped.substr(0, wrapped.find('=')));
  EXPECT_EQ(grant_fingerprint(grant), own);
  set("wrappedKey", to_base64(bytes(256, 1)));
  EXPECT_NE(grant_fingerprint(grant), own);
}

TEST(grant_fingerprint, of_what_wraps_no_key_is_none) {
  for (auto& v :
       {json::value{}, json::value{"text"}, json::value{json::object{}}, json::value{json::object{{"wrappedKey", 7}}}})
    EXPECT_EQ(grant_fingerprint(v), std::nullopt);
}

TEST(grant_fingerprint, of_text_that_is_no_base64_is_that_of_the_text) {
  auto of = [](const char* wrapped) { return grant_fingerprint(json::object{{"wrappedKey", wrapped}}); };
  EXPECT_TRUE(of("%"));
  EXPECT_NE(of("%"), of("%%"));
}

} // namespace
