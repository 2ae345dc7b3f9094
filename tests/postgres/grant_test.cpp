// Grant issue through its route.
#include "actors/grant_issuer/grant_rules.hpp"
#include "infra/crypto/grant/envelope.hpp"
#include "tests/postgres/auth_fixture.hpp"

namespace mana {
namespace {

using testing::answer;

const std::string ask_for_n1 = R"({"missionId":"m1","tables":["notes"],"recordIds":["notes:n1"]})";

struct grants : testing::auth_fixture {
  std::string code(const answer& r) { return std::to_string(r.status) + ' ' + std::string{r.json().text("code")}; }
  std::string field(const std::string& body) {
    auto r = grant("anna", body);
    EXPECT_EQ(code(r), "400 BAD_REQUEST") << body;
    std::string text{r.json().text("error")};
    return text.substr(0, text.find(':'));
  }
  void enable_zero_knowledge() {
    vault("anna", "POST", "/recovery-wrap", recovery_body());
    EXPECT_EQ(vault("anna", "POST", "/zero-knowledge", R"({"enable":true})").status, 204u);
  }
};

TEST_F(grants, open_what_the_browser_sealed_and_nothing_else) {
  start();
  auto master = *crypto::secret_from_base64(new_vault_of("anna"));
  auto sealed = *crypto::seal_enc2(crypto::record_key(master, "notes", "n1")->view(), "notes", "n1", "title", "\"Hi\"");
  auto r = grant("anna", ask_for_n1);
  ASSERT_EQ(r.status, 200u) << r.body;
  auto issued = r.json();
  EXPECT_EQ(*parse_iso(issued.text("expiresAt")) - *parse_iso(issued.text("issuedAt")), default_grant_ttl);
  auto now = *parse_iso(issued.text("issuedAt"));
  auto opened = crypto::open_grant(issued, "anna", "m1", now, false, {crypto::private_keys()});
  ASSERT_EQ(crypto::outcome(opened), "ok");
  auto& g = std::get<crypto::opened_grant>(opened);
  auto key = g.key_of("notes", "n1");
  ASSERT_TRUE(key);
  EXPECT_EQ(crypto::open_enc2(key->view(), "notes", "n1", "title", sealed).json->view(), "\"Hi\"");
  EXPECT_FALSE(g.allows("notes", "n2"));
  EXPECT_EQ(crypto::outcome(crypto::open_grant(issued, "ben", "m1", now, false, {crypto::private_keys()})),
            "wrap-rejected");
}

TEST_F(grants, are_recorded_with_their_mission_and_size) {
  start();
  new_vault_of("anna");
  grant("anna", R"({"missionId":"m1","tables":["notes"],"recordIds":["notes:n1","notes:n2","notes:n1"]})");
  EXPECT_EQ(audit("anna"), "init:ok grant:ok");
  EXPECT_EQ(query("SELECT mission_id || ' ' || record_count FROM mana_auth.vault_audit WHERE action = 'grant'"),
            "m1 2");
}

TEST_F(grants, live_as_long_as_asked_within_bounds) {
  start();
  new_vault_of("anna");
  auto hours = [&](const std::string& ttl) {
    auto issued =
        grant("anna", R"({"missionId":"m1","tables":["notes"],"recordIds":["notes:n1"],"ttlMs":)" + ttl + "}").json();
    return std::chrono::floor<std::chrono::hours>(*parse_iso(issued.text("expiresAt"))
                                                  - *parse_iso(issued.text("issuedAt")))
        .count();
  };
  EXPECT_EQ(hours("1"), 1);
  EXPECT_EQ(hours("7200000"), 2);
  EXPECT_EQ(hours("1e300"), 30 * 24);
}

TEST_F(grants, take_a_thousand_records_and_no_more) {
  start();
  new_vault_of("anna");
  auto ids = [](int n) {
    std::string out;
    for (int i = 0; i < n; ++i)
      out += (i == 0 ? "\"notes:" : ",\"notes:") + std::to_string(i) + '"';
    return R"({"missionId":"m1","tables":["notes"],"recordIds":[)" + out + "]}";
  };
  auto r = grant("anna", ids(1000));
  ASSERT_EQ(r.status, 200u);
  EXPECT_EQ(r.json().find("recordKeys")->as_object()->size(), 1000u);
  EXPECT_EQ(field(ids(1001)), "recordIds");
}

TEST_F(grants, need_a_token) {
  start();
  EXPECT_EQ(code(grant("", ask_for_n1)), "401 UNAUTHORIZED");
}

TEST_F(grants, are_refused_in_the_contracts_order) {
  // Each body has what the later checks refuse as well.
  settings.ai_public_key = {};
  start();
  EXPECT_EQ(field(R"({"missionId":1,"tables":[],"recordIds":[]})"), "missionId");
  EXPECT_EQ(code(grant("anna", R"({"missionId":"m1","tables":[],"recordIds":[]})")), "503 GRANT_NOT_CONFIGURED");
  settings.ai_public_key = config::pem_text{crypto::rsa_pem("public_key_spki_pem")};
  restart();
  EXPECT_EQ(field(R"({"missionId":"m1","tables":["notes"],"recordIds":[]})"), "recordIds");
  EXPECT_EQ(code(grant("anna", ask_for_n1)), "404 VAULT_NOT_INITIALISED");
  new_vault_of("anna");
  enable_zero_knowledge();
  EXPECT_EQ(code(grant("anna", ask_for_n1)), "409 ZK_ACTIVE");
}

TEST_F(grants, that_are_refused_are_recorded) {
  start();
  grant("anna", ask_for_n1);
  new_vault_of("anna");
  enable_zero_knowledge();
  grant("anna", ask_for_n1);
  grant("anna", R"({"missionId":"","tables":["notes"],"recordIds":["notes:n1"]})");
  EXPECT_EQ(audit("anna"), "grant:refused:vault_not_initialised init:ok recovery-set:ok zero-knowledge-on:ok"
                           " grant:refused:zero_knowledge_active grant:refused:bad_request");
}

TEST_F(grants, name_the_field_that_is_wrong) {
  start();
  new_vault_of("anna");
  EXPECT_EQ(field("[1]"), "the body must be a JSON object");
  EXPECT_EQ(field("{"), "the body is not valid JSON");
  EXPECT_EQ(field(R"({"missionId":"m","tables":"notes","recordIds":[]})"), "tables");
  EXPECT_EQ(field(R"({"missionId":"m","tables":["notes"],"recordIds":[5]})"), "recordIds[0]");
  EXPECT_EQ(field(R"({"missionId":"m","tables":["notes"],"recordIds":["notes:n1"],"ttlMs":"1h"})"), "ttlMs");
  EXPECT_EQ(field(R"({"missionId":"m","tables":["notes"],"recordIds":["tasks:t1"]})"), "recordIds[0]");
}

TEST_F(grants, are_limited_per_user_and_hour) {
  settings.grants_per_hour = 2;
  start();
  new_vault_of("anna");
  new_vault_of("ben");
  std::vector<testing::http_socket> calls;
  for (int i = 0; i < 6; ++i)
    calls.push_back(send("anna", "POST", "/api/v1/me/ai-mission-grant", ask_for_n1));
  int issued = 0;
  for (auto& c : calls) {
    auto r = testing::http_routes_fixture::receive(c);
    if (r.status == 200) {
      ++issued;
      continue;
    }
    EXPECT_EQ(code(r), "429 RATE_LIMITED");
    auto at = r.head.find("Retry-After: ");
    ASSERT_NE(at, std::string::npos) << r.head;
    auto seconds = std::stol(r.head.substr(at + 13));
    EXPECT_GT(seconds, 0);
    EXPECT_LE(seconds, 3600);
  }
  EXPECT_EQ(issued, 2);
  EXPECT_EQ(query("SELECT count(*) FROM mana_auth.vault_audit WHERE reason = 'rate_limited'"), "4");
  EXPECT_EQ(grant("ben", ask_for_n1).status, 200u);
}

TEST_F(grants, of_the_last_hour_are_what_counts) {
  settings.grants_per_hour = 1;
  start();
  new_vault_of("anna");
  query("INSERT INTO mana_auth.vault_audit (user_id, action, outcome, ts)"
        " VALUES ('anna', 'grant', 'ok', now() - interval '61 minutes') RETURNING 1");
  EXPECT_EQ(grant("anna", ask_for_n1).status, 200u);
  EXPECT_EQ(grant("anna", ask_for_n1).status, 429u);
}

TEST_F(grants, are_not_given_away_when_they_cannot_be_recorded) {
  start();
  new_vault_of("anna");
  query("REVOKE INSERT ON mana_auth.vault_audit FROM mana_auth");
  auto r = grant("anna", ask_for_n1);
  EXPECT_EQ(code(r), "500 INTERNAL");
  EXPECT_EQ(r.body.find("wrappedKey"), std::string::npos);
  EXPECT_EQ(vault("anna", "GET", "/key").status, 500u);
  EXPECT_EQ(audit("anna"), "init:ok");
  EXPECT_NE(registry.text().find("mana_ai_vault_unrecorded_total{service=\"mana-ai\"} 2"), std::string::npos);
}

TEST_F(grants, of_a_process_with_auth_alone_are_watched) {
  start();
  EXPECT_EQ(call("", "GET", "/health").body, R"({"ok":true,"service":"mana-ai","version":"1.2.3"})");
  new_vault_of("anna");
  grant("anna", ask_for_n1);
  auto metrics = call("", "GET", "/metrics");
  EXPECT_EQ(metrics.status, 200u);
  EXPECT_NE(metrics.body.find(R"(mana_ai_vault_attempts_total{service="mana-ai",action="grant",outcome="ok"} 1)"),
            std::string::npos)
      << metrics.body;
}

TEST_F(grants, of_a_process_without_any_request_yet_get_ready) {
  start();
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  answer r;
  do
    r = call("", "GET", "/ready");
  while (r.status != 200 && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(r.body, R"({"ready":true,"failing":[],"warnings":[]})");
}

TEST_F(grants, wait_for_the_schema_of_auth) {
  query("DROP TABLE mana_auth.schema_migrations");
  start();
  auto r = call("", "GET", "/ready");
  EXPECT_EQ(r.status, 503u);
  EXPECT_NE(r.body.find(R"({"part":"auth_migrations","reason":"not applied"})"), std::string::npos) << r.body;
}

TEST_F(grants, do_not_start_with_a_key_that_is_none) {
  settings.auth_keks = config::secret_text{"one:AAAA"};
  auto started = auth_service::start(sys, settings, registry, [](const std::string&) {});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, errc::config_invalid);
  EXPECT_EQ(started.error().detail, "MANA_AUTH_KEK: key 1 is not base64 of 32 bytes");
}

} // namespace
} // namespace mana
