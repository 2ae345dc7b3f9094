// The auth target over real HTTP and PostgreSQL; a fake identity takes the bearer's token as user id.
#pragma once

#include "actors/supervisor/auth_service.hpp"
#include "http/grant_routes.hpp"
#include "http/vault_routes.hpp"
#include "tests/net/http_routes_fixture.hpp"
#include "tests/postgres/database_fixture.hpp"
#include "tests/unit/crypto/crypto_vectors.hpp"

namespace mana::testing {

// 32 bytes each.
inline const std::string kek_one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
inline const std::string kek_two = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

inline boost::asio::awaitable<result<user_id>> token_is_user(const http::request& req) {
  auto header = req.headers.find("authorization");
  if (header == req.headers.end() || !header->second.starts_with("Bearer "))
    co_return failure{errc::unauthorized, "no token"};
  co_return user_id{header->second.substr(7)};
}

struct auth_fixture : database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    settings.auth_database_url = config::secret_text{auth_url()};
    settings.database_connections = 4;
    settings.auth_keks = config::secret_text{"one:" + kek_one};
    settings.ai_public_key = config::pem_text{crypto::rsa_pem("public_key_spki_pem")};
    settings.grants_per_hour = 60;
  }
  void TearDown() override {
    stop();
    database_fixture::TearDown();
  }

  void start() {
    auto started = auth_service::start(sys, settings, registry, [this](const std::string&) { gave_up = true; });
    ASSERT_TRUE(started) << started.error().detail;
    service = std::move(*started);
    http::auth_front f;
    f.system = &sys;
    f.handles = [this] { return service->handles(); };
    f.schema = [this] { return service->schema(); };
    f.identify = token_is_user;
    auto front = std::make_shared<const http::auth_front>(std::move(f));
    http::router routes;
    http::add_vault_routes(routes, front);
    http::add_grant_routes(routes, front);
    http::add_probe_routes(routes, {http::probed_auth(front)}, registry, "1.2.3");
    auto listening = http::server::start(loop, {}, routes.as_handler());
    ASSERT_TRUE(listening) << listening.error().detail;
    server = std::move(*listening);
  }
  void stop() {
    if (server)
      server->stop(std::chrono::milliseconds{0}).wait();
    if (service)
      service->stop();
    server.reset();
  }
  // With the settings as they are now.
  void restart() {
    stop();
    service.reset();
    start();
  }

  http_socket send(const std::string& user, const std::string& method, const std::string& path,
                   const std::string& body = "") {
    http_socket s{server->port()};
    auto token = user.empty() ? "" : "Authorization: Bearer " + user + "\r\n";
    s.send(method + ' ' + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + token
           + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return s;
  }
  answer call(const std::string& user, const std::string& method, const std::string& path,
              const std::string& body = "") {
    auto s = send(user, method, path, body);
    return http_routes_fixture::receive(s);
  }
  answer vault(const std::string& user, const std::string& method, const std::string& path,
               const std::string& body = "") {
    return call(user, method, "/api/v1/me/encryption-vault" + path, body);
  }
  answer grant(const std::string& user, const std::string& body) {
    return call(user, "POST", "/api/v1/me/ai-mission-grant", body);
  }
  // The master key of a user that has a vault, as base64; makes the vault.
  std::string new_vault_of(const std::string& user) {
    auto made = vault(user, "POST", "/init");
    EXPECT_EQ(made.status, 201u) << made.body;
    return std::string{made.json().text("masterKey")};
  }
  // 48 and 12 bytes: what a recovery wrap looks like.
  static std::string recovery_body() {
    return R"({"recoveryWrappedMk":")" + crypto::to_base64(crypto::bytes(48, 7)) + R"(","recoveryIv":")"
           + crypto::to_base64(crypto::bytes(12, 9)) + R"("})";
  }

  // The user's audit rows as `action:outcome[:reason]`, oldest first.
  std::string audit(const std::string& user) {
    return query("SELECT string_agg(concat_ws(':', action, outcome, reason), ' ' ORDER BY id)"
                 " FROM mana_auth.vault_audit WHERE user_id = '"
                 + user + "'");
  }

  config::settings settings;
  metrics::registry registry;
  caf::actor_system_config caf_config;
  caf::actor_system sys{caf_config};
  io_loop loop{sys};
  std::unique_ptr<auth_service> service;
  std::unique_ptr<http::server> server;
  bool gave_up = false;
};

} // namespace mana::testing
