// The key vault through its routes.
#include "actors/key_vault/vault_queries.hpp"
#include "infra/postgres/migrator.hpp"
#include "tests/postgres/auth_fixture.hpp"

#include <algorithm>
#include <set>
#include <thread>

namespace mana {
namespace {

using testing::answer;
using testing::kek_one;
using testing::kek_two;

struct vault : testing::auth_fixture {
  void SetUp() override {
    auth_fixture::SetUp();
    start();
  }
  std::string key_of(const std::string& user) {
    auto r = auth_fixture::vault(user, "GET", "/key");
    EXPECT_EQ(r.status, 200u) << r.body;
    return std::string{r.json().text("masterKey")};
  }
  std::string code(const answer& r) { return std::to_string(r.status) + ' ' + std::string{r.json().text("code")}; }
  answer ask(const std::string& method, const std::string& path, const std::string& body = "") {
    return auth_fixture::vault("anna", method, path, body);
  }
  void enable_zero_knowledge() {
    EXPECT_EQ(ask("POST", "/recovery-wrap", recovery_body()).status, 204u);
    EXPECT_EQ(ask("POST", "/zero-knowledge", R"({"enable":true})").status, 204u);
  }
};

TEST_F(vault, does_not_exist_before_init) {
  EXPECT_EQ(ask("GET", "/status").body, R"({"initialised":false,"zeroKnowledge":false,"hasRecoveryWrap":false,)"
                                        R"("kekId":null,"createdAt":null,"rotatedAt":null})");
  EXPECT_EQ(code(ask("GET", "/key")), "404 VAULT_NOT_INITIALISED");
  EXPECT_EQ(code(ask("POST", "/rotate")), "404 VAULT_NOT_INITIALISED");
  EXPECT_EQ(code(ask("POST", "/recovery-wrap", recovery_body())), "404 VAULT_NOT_INITIALISED");
  EXPECT_EQ(code(ask("DELETE", "/recovery-wrap")), "404 VAULT_NOT_INITIALISED");
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", R"({"enable":true})")), "404 VAULT_NOT_INITIALISED");
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", R"({"enable":false,"masterKey":")" + kek_one + "\"}")),
            "404 VAULT_NOT_INITIALISED");
}

TEST_F(vault, gives_its_key_again) {
  auto made = ask("POST", "/init");
  EXPECT_EQ(made.status, 201u);
  EXPECT_NE(made.head.find("Cache-Control: no-store\r\n"), std::string::npos);
  std::string key{made.json().text("masterKey")};
  EXPECT_EQ(crypto::from_base64(key)->size(), 32u);
  EXPECT_EQ(made.body, R"({"masterKey":")" + key + "\"}");
  EXPECT_EQ(key_of("anna"), key);
  auto status = ask("GET", "/status").json();
  EXPECT_EQ(*status.find("initialised")->as_bool(), true);
  EXPECT_EQ(status.text("kekId"), "one");
  EXPECT_TRUE(parse_iso(status.text("createdAt")));
  EXPECT_TRUE(status.find("rotatedAt")->is_null());
  EXPECT_EQ(audit("anna"), "init:ok key-read:ok");
}

TEST_F(vault, is_made_once) {
  auto key = new_vault_of("anna");
  EXPECT_EQ(code(ask("POST", "/init")), "409 VAULT_EXISTS");
  EXPECT_EQ(key_of("anna"), key);
  EXPECT_EQ(audit("anna"), "init:ok init:refused:vault_exists key-read:ok");
}

TEST_F(vault, is_stored_in_the_contracts_form) {
  auto key = new_vault_of("anna");
  auto ring = *kek_ring::parse("one:" + kek_one);
  auto opened = ring.unwrap({query("SELECT wrapped_mk FROM mana_auth.encryption_vaults"),
                             query("SELECT wrap_iv FROM mana_auth.encryption_vaults"),
                             query("SELECT kek_id FROM mana_auth.encryption_vaults")});
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(crypto::to_base64(opened->view()), key);
}

TEST_F(vault, opens_a_row_of_the_vectors) {
  auto vectors = test_vectors("vault");
  auto& v = vectors.find("kek_wrap")->as_array()->front();
  settings.auth_keks = config::secret_text{std::string{v.text("kek_b64")}};
  restart();
  query("INSERT INTO mana_auth.encryption_vaults (user_id, wrapped_mk, wrap_iv, kek_id) VALUES ('anna', '"
        + std::string{v.text("wrapped_mk")} + "', '" + std::string{v.text("wrap_iv")} + "', 'v1') RETURNING 1");
  EXPECT_EQ(crypto::to_hex(*crypto::from_base64(key_of("anna"))),
            crypto::to_hex(crypto::master_key(v.text("master_key")).view()));
}

TEST_F(vault, needs_a_token_on_every_route) {
  for (auto [method, path] : {std::pair{"GET", "/status"}, std::pair{"POST", "/init"}, std::pair{"GET", "/key"},
                              std::pair{"POST", "/rotate"}, std::pair{"POST", "/recovery-wrap"},
                              std::pair{"DELETE", "/recovery-wrap"}, std::pair{"POST", "/zero-knowledge"}})
    EXPECT_EQ(code(auth_fixture::vault("", method, path)), "401 UNAUTHORIZED") << path;
}

TEST_F(vault, rotates_its_key_and_ends_the_recovery_wrap) {
  auto old_key = new_vault_of("anna");
  ask("POST", "/recovery-wrap", recovery_body());
  auto rotated = ask("POST", "/rotate");
  ASSERT_EQ(rotated.status, 200u) << rotated.body;
  EXPECT_EQ(rotated.json().text("previousMasterKey"), old_key);
  EXPECT_NE(rotated.json().text("masterKey"), old_key);
  EXPECT_EQ(key_of("anna"), rotated.json().text("masterKey"));
  auto status = ask("GET", "/status").json();
  EXPECT_EQ(*status.find("hasRecoveryWrap")->as_bool(), false);
  EXPECT_TRUE(parse_iso(status.text("rotatedAt")));
  EXPECT_EQ(audit("anna"), "init:ok recovery-set:ok rotate:ok key-read:ok");
}

TEST_F(vault, in_zero_knowledge_mode_holds_nothing_that_the_server_could_open) {
  new_vault_of("anna");
  enable_zero_knowledge();
  EXPECT_EQ(query("SELECT num_nonnulls(wrapped_mk, wrap_iv, kek_id) FROM mana_auth.encryption_vaults"), "0");
  auto key = ask("GET", "/key");
  EXPECT_EQ(key.status, 200u);
  auto expected = recovery_body();
  expected.insert(1, R"("requiresRecoveryCode":true,)");
  EXPECT_EQ(key.body, expected);
  EXPECT_EQ(code(ask("POST", "/rotate")), "409 ZK_ACTIVE");
  EXPECT_EQ(code(ask("DELETE", "/recovery-wrap")), "409 ZK_ACTIVE");
  EXPECT_EQ(ask("POST", "/zero-knowledge", R"({"enable":true})").status, 204u);
  auto status = ask("GET", "/status").json();
  EXPECT_EQ(*status.find("zeroKnowledge")->as_bool(), true);
  EXPECT_TRUE(status.find("kekId")->is_null());
  EXPECT_EQ(audit("anna"), "init:ok recovery-set:ok zero-knowledge-on:ok key-read:ok"
                           " rotate:refused:zero_knowledge_active recovery-removed:refused:zero_knowledge_active"
                           " zero-knowledge-on:ok");
}

TEST_F(vault, needs_a_recovery_wrap_for_zero_knowledge) {
  auto key = new_vault_of("anna");
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", R"({"enable":true})")), "409 RECOVERY_WRAP_MISSING");
  EXPECT_EQ(ask("POST", "/recovery-wrap", recovery_body()).status, 204u);
  EXPECT_EQ(ask("DELETE", "/recovery-wrap").status, 204u);
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", R"({"enable":true})")), "409 RECOVERY_WRAP_MISSING");
  EXPECT_EQ(key_of("anna"), key);
}

TEST_F(vault, leaves_zero_knowledge_with_the_key_of_the_user) {
  auto key = new_vault_of("anna");
  enable_zero_knowledge();
  auto back = ask("POST", "/zero-knowledge", R"({"enable":false,"masterKey":")" + key + "\"}");
  EXPECT_EQ(back.status, 204u) << back.body;
  EXPECT_EQ(key_of("anna"), key);
  EXPECT_EQ(*ask("GET", "/status").json().find("hasRecoveryWrap")->as_bool(), true);
  // Again: nothing to do. With another key: no way to replace the one that records are under.
  EXPECT_EQ(ask("POST", "/zero-knowledge", R"({"enable":false,"masterKey":")" + key + "\"}").status, 204u);
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", R"({"enable":false,"masterKey":")" + kek_one + "\"}")),
            "400 BAD_REQUEST");
  EXPECT_EQ(key_of("anna"), key);
}

TEST_F(vault, names_the_field_that_is_wrong) {
  new_vault_of("anna");
  auto field = [&](const std::string& path, const std::string& body) {
    auto r = ask("POST", path, body);
    EXPECT_EQ(code(r), "400 BAD_REQUEST") << body;
    std::string text{r.json().text("error")};
    return text.substr(0, text.find(':'));
  };
  auto iv = R"(,"recoveryIv":")" + crypto::to_base64(crypto::bytes(12, 1)) + "\"}";
  EXPECT_EQ(field("/recovery-wrap", "{}"), "recoveryWrappedMk");
  EXPECT_EQ(field("/recovery-wrap", R"({"recoveryWrappedMk":5)" + iv), "recoveryWrappedMk");
  EXPECT_EQ(field("/recovery-wrap", R"({"recoveryWrappedMk":"AAAA")" + iv), "recoveryWrappedMk");
  EXPECT_EQ(field("/recovery-wrap", R"({"recoveryWrappedMk":")" + crypto::to_base64(crypto::bytes(48, 1)) + "\"}"),
            "recoveryIv");
  EXPECT_EQ(field("/zero-knowledge", "{}"), "enable");
  EXPECT_EQ(field("/zero-knowledge", R"({"enable":"yes"})"), "enable");
  EXPECT_EQ(field("/zero-knowledge", R"({"enable":false})"), "masterKey");
  EXPECT_EQ(field("/zero-knowledge", R"({"enable":false,"masterKey":"AAAA"})"), "masterKey");
  EXPECT_EQ(field("/zero-knowledge", R"({"enable":false,"x":{"masterKey":"AA"},"masterKey":"BB"})"), "masterKey");
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", "no json")), "400 BAD_REQUEST");
  EXPECT_EQ(code(ask("POST", "/zero-knowledge", "[]")), "400 BAD_REQUEST");
}

TEST_F(vault, is_wrapped_anew_when_it_is_read_under_an_older_kek) {
  auto key = new_vault_of("anna");
  settings.auth_keks = config::secret_text{"two:" + kek_two + ",one:" + kek_one};
  restart();
  EXPECT_EQ(key_of("anna"), key);
  EXPECT_EQ(query("SELECT kek_id FROM mana_auth.encryption_vaults"), "two");
  settings.auth_keks = config::secret_text{"two:" + kek_two};
  restart();
  EXPECT_EQ(key_of("anna"), key);
  EXPECT_EQ(audit("anna"), "init:ok rewrap:ok key-read:ok key-read:ok");
}

TEST_F(vault, of_an_unknown_kek_says_so_and_keeps_its_row) {
  auto key = new_vault_of("anna");
  settings.auth_keks = config::secret_text{"two:" + kek_two};
  restart();
  EXPECT_EQ(code(ask("GET", "/key")), "503 VAULT_KEY_UNKNOWN");
  EXPECT_EQ(code(ask("POST", "/rotate")), "503 VAULT_KEY_UNKNOWN");
  EXPECT_EQ(audit("anna"), "init:ok key-read:failed:vault_key_unknown rotate:failed:vault_key_unknown");
  settings.auth_keks = config::secret_text{"two:" + kek_two + ",one:" + kek_one};
  restart();
  EXPECT_EQ(key_of("anna"), key);
}

TEST_F(vault, is_wrapped_anew_once_by_many_readers) {
  auto key = new_vault_of("anna");
  settings.auth_keks = config::secret_text{"two:" + kek_two + ",one:" + kek_one};
  restart();
  std::vector<testing::http_socket> readers;
  for (int i = 0; i < 8; ++i)
    readers.push_back(send("anna", "GET", "/api/v1/me/encryption-vault/key"));
  for (auto& r : readers)
    EXPECT_EQ(testing::http_routes_fixture::receive(r).json().text("masterKey"), key);
  EXPECT_EQ(query("SELECT count(*) FROM mana_auth.vault_audit WHERE action = 'rewrap'"), "1");
  EXPECT_EQ(key_of("anna"), key);
}

TEST_F(vault, of_several_inits_at_once_one_makes_it) {
  std::vector<testing::http_socket> calls;
  for (int i = 0; i < 8; ++i)
    calls.push_back(send("anna", "POST", "/api/v1/me/encryption-vault/init"));
  std::vector<std::string> keys;
  for (auto& c : calls) {
    auto r = testing::http_routes_fixture::receive(c);
    if (r.status == 201)
      keys.emplace_back(r.json().text("masterKey"));
    else
      EXPECT_EQ(code(r), "409 VAULT_EXISTS");
  }
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(key_of("anna"), keys[0]);
}

TEST_F(vault, of_several_rotations_at_once_each_follows_another) {
  auto first = new_vault_of("anna");
  std::vector<testing::http_socket> calls;
  for (int i = 0; i < 6; ++i)
    calls.push_back(send("anna", "POST", "/api/v1/me/encryption-vault/rotate"));
  std::multiset<std::string> before;
  std::multiset<std::string> after;
  for (auto& c : calls) {
    auto r = testing::http_routes_fixture::receive(c).json();
    before.emplace(r.text("previousMasterKey"));
    after.emplace(r.text("masterKey"));
  }
  // A chain: what one rotation made is what the next one replaced.
  after.insert(first);
  before.insert(key_of("anna"));
  EXPECT_EQ(before, after);
}

TEST_F(vault, belongs_to_its_user) {
  auto annas = new_vault_of("anna");
  auto bens = new_vault_of("ben");
  EXPECT_NE(annas, bens);
  EXPECT_EQ(key_of("anna"), annas);
  EXPECT_EQ(audit("ben"), "init:ok");
}

// -- what the login itself may do -----------------------------------------------------------------------

struct auth_isolation : testing::auth_fixture {
  void SetUp() override {
    auth_fixture::SetUp();
    auth = std::make_unique<pg::connection>(auth_url());
    auto keks = *kek_ring::parse("one:" + kek_one);
    for (auto user : {"anna", "ben"})
      ASSERT_TRUE(create_vault(*auth, keks, {user}));
  }
  void TearDown() override {
    auth.reset();
    auth_fixture::TearDown();
  }
  // Rows that a statement of the login returns or changes with `user` as its scope.
  result<std::size_t> as_auth(const std::string& user, const std::string& sql) {
    return pg::attempt([&] {
      pqxx::work tx{auth->raw()};
      if (!user.empty())
        pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user);
      auto r = pg::connection::exec_in(tx, sql);
      return r.columns() > 0 ? static_cast<std::size_t>(r.size()) : static_cast<std::size_t>(r.affected_rows());
    });
  }
  std::unique_ptr<pg::connection> auth;
};

TEST_F(auth_isolation, the_login_has_no_power_of_its_own) {
  EXPECT_EQ(query("SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles"
                  " WHERE rolname = 'mana_auth'"),
            "f");
  EXPECT_EQ(query("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE rolname = 'mana_auth'"),
            "0");
  EXPECT_EQ(query("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'mana_auth_owner'"), "f");
  EXPECT_EQ(query("SELECT pg_has_role('mana_auth', 'mana_auth_owner', 'MEMBER')"), "f");
}

TEST_F(auth_isolation, only_the_users_own_rows_are_seen_and_changed) {
  for (std::string table : {"mana_auth.encryption_vaults", "mana_auth.vault_audit"}) {
    EXPECT_EQ(*as_auth("", "SELECT 1 FROM " + table), 0u);
    EXPECT_EQ(*as_auth("nobody", "SELECT 1 FROM " + table), 0u);
    EXPECT_EQ(*as_auth("anna", "SELECT 1 FROM " + table), 1u);
    EXPECT_EQ(*as_auth("anna", "SELECT 1 FROM " + table + " WHERE user_id = 'ben'"), 0u);
  }
  EXPECT_EQ(*as_auth("anna", "UPDATE mana_auth.encryption_vaults SET kek_id = 'x'"), 1u);
  for (std::string sql :
       {"INSERT INTO mana_auth.encryption_vaults (user_id, wrapped_mk, wrap_iv, kek_id)"
        " SELECT 'carl', wrapped_mk, wrap_iv, kek_id FROM mana_auth.encryption_vaults",
        "INSERT INTO mana_auth.vault_audit (user_id, action, outcome) VALUES ('ben', 'init', 'ok')"}) {
    auto refused = as_auth("anna", sql);
    ASSERT_FALSE(refused) << sql;
    EXPECT_EQ(refused.error().code, errc::database_refused);
  }
}

TEST_F(auth_isolation, the_audit_only_grows) {
  for (std::string sql :
       {"UPDATE mana_auth.vault_audit SET outcome = 'ok'", "DELETE FROM mana_auth.vault_audit",
        "TRUNCATE mana_auth.vault_audit", "DELETE FROM mana_auth.encryption_vaults",
        "UPDATE mana_auth.encryption_vaults SET user_id = 'anna'",
        "UPDATE mana_auth.encryption_vaults SET created_at = now()",
        "ALTER TABLE mana_auth.vault_audit DISABLE TRIGGER ALL",
        "ALTER TABLE mana_auth.encryption_vaults NO FORCE ROW LEVEL SECURITY", "SET ROLE mana_auth_owner",
        "CREATE TABLE mana_auth.mine (x int)", "UPDATE mana_auth.schema_migrations SET checksum = ''"}) {
    auto refused = as_auth("anna", sql);
    ASSERT_FALSE(refused) << sql;
    EXPECT_EQ(refused.error().code, errc::database_refused) << sql << refused.error().detail;
  }
  // Whoever has the right is stopped by the trigger.
  for (std::string sql : {"UPDATE mana_auth.vault_audit SET outcome = 'ok'", "DELETE FROM mana_auth.vault_audit",
                          "TRUNCATE mana_auth.vault_audit"})
    EXPECT_THROW(query(sql), pqxx::sql_error) << sql;
}

TEST_F(auth_isolation, a_vault_without_any_wrap_cannot_be_stored) {
  for (std::string sql : {"UPDATE mana_auth.encryption_vaults SET wrapped_mk = NULL",
                          "UPDATE mana_auth.encryption_vaults SET zero_knowledge = true",
                          "UPDATE mana_auth.encryption_vaults SET wrapped_mk = NULL, wrap_iv = NULL, kek_id = NULL,"
                          " zero_knowledge = true",
                          "UPDATE mana_auth.encryption_vaults SET recovery_iv = wrap_iv"})
    EXPECT_EQ(as_auth("anna", sql).error().code, errc::database_refused) << sql;
}

TEST_F(auth_isolation, migrating_again_applies_nothing) {
  auto again = pg::migrate(migrator_url(), pg::auth_migrations());
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, 0u);
  EXPECT_EQ(pg::migration_state_of(*auth, pg::auth_migrations())->applied,
            pg::auth_migrations().migrations.back().number);
}

} // namespace
} // namespace mana
