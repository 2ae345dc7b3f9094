#include "http/sign_in_routes.hpp"

#include "messages/retry_after.hpp"
#include "tests/net/http_routes_fixture.hpp"

using namespace std::chrono_literals;
using namespace mana;

namespace {

const timestamp noon{1'800'000'000'000ms};

// Answers by the name or token it is given. The argument is there because for functors without any
// CAF 0.17 binds a reference to null.
sign_in_actor::behavior_type fake_sign_in(sign_in_actor::pointer, timestamp expires_at) {
  return {[](const register_user& r) -> caf::result<registered_user> {
            if (r.name == "taken")
              return to_caf({errc::name_taken, "the name is in use"});
            return registered_user{user_id{"id of " + r.name}};
          },
          [expires_at](const log_in& l) -> caf::result<session_tokens> {
            if (l.name == "limited")
              return to_caf(rate_limited_for(7s));
            if (l.password->view() != "correct horse" || l.address != "127.0.0.1")
              return to_caf({errc::unauthorized, "name or password is wrong"});
            return session_tokens{user_id{"u1"}, "access", expires_at, "token-1"};
          },
          [expires_at](const refresh_session& r) -> caf::result<session_tokens> {
            if (r.refresh_token != "token-1")
              return to_caf({errc::unauthorized, "the session has ended; sign in again"});
            return session_tokens{user_id{"u1"}, "access", expires_at, "token-2"};
          },
          [](const log_out&) { return logged_out{}; }};
}

struct http_sign_in_routes : mana::testing::http_routes_fixture {
  ~http_sign_in_routes() override { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); }

  void start(const std::string& base_url = "https://mana.test/app", bool registration = true) {
    actor = sys.spawn(fake_sign_in, noon);
    http::sign_in_front f;
    f.system = &sys;
    f.sign_in = [this] { return actor; };
    f.base_url = base_url;
    f.cors_origins = {"https://app.test"};
    f.session_ttl = 1h;
    f.registration = registration;
    http::router routes;
    http::add_sign_in_routes(routes, std::move(f));
    serve(routes);
  }
  mana::testing::answer post(const std::string& what, const std::string& body = "", const std::string& headers = "") {
    return call("POST", "/api/v1/auth/" + what, headers, body);
  }
  static std::string cookie_set_by(const mana::testing::answer& a) {
    auto at = a.head.find("Set-Cookie: ");
    return at == std::string::npos ? "" : a.head.substr(at + 12, a.head.find("\r\n", at) - at - 12);
  }

  sign_in_actor actor;
};

const std::string good = R"({"name":"ada","password":"correct horse"})";
const std::string cookie = "Cookie: mana_refresh=token-1\r\n";

} // namespace

TEST_F(http_sign_in_routes, registering_answers_the_new_users_id) {
  start();
  auto a = post("register", good);
  EXPECT_EQ(a.status, 201u);
  EXPECT_EQ(a.body, R"({"userId":"id of ada"})");
  auto taken = post("register", R"({"name":"taken","password":"correct horse"})");
  EXPECT_EQ(taken.status, 409u);
  EXPECT_EQ(taken.json().text("code"), "NAME_TAKEN");
}

TEST_F(http_sign_in_routes, without_open_registration_the_route_does_not_exist) {
  start("https://mana.test", false);
  EXPECT_EQ(post("register", good).status, 404u);
}

TEST_F(http_sign_in_routes, logging_in_answers_an_access_token_and_hides_the_other_in_a_cookie) {
  start();
  auto a = post("login", good);
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.body, R"({"userId":"u1","accessToken":"access","expiresAt":"2027-01-15T08:00:00.000Z"})");
  EXPECT_EQ(cookie_set_by(a),
            "mana_refresh=token-1; HttpOnly; SameSite=Strict; Path=/api/v1/auth; Secure; Max-Age=3600");
}

TEST_F(http_sign_in_routes, over_plain_http_the_cookie_is_not_marked_secure) {
  start("http://localhost:3067");
  EXPECT_EQ(cookie_set_by(post("login", good)),
            "mana_refresh=token-1; HttpOnly; SameSite=Strict; Path=/api/v1/auth; Max-Age=3600");
}

TEST_F(http_sign_in_routes, a_wrong_password_is_401_and_sets_no_cookie) {
  start();
  auto a = post("login", R"({"name":"ada","password":"correct house"})");
  EXPECT_EQ(a.status, 401u);
  EXPECT_EQ(cookie_set_by(a), "");
}

TEST_F(http_sign_in_routes, a_limit_says_when_to_come_back) {
  start();
  auto a = post("login", R"({"name":"limited","password":"correct horse"})");
  EXPECT_EQ(a.status, 429u);
  EXPECT_NE(a.head.find("\r\nRetry-After: 7\r\n"), std::string::npos);
}

TEST_F(http_sign_in_routes, a_body_of_the_wrong_shape_is_400_and_names_the_field) {
  start();
  auto a = post("login", R"({"name":"ada","password":12345678})");
  EXPECT_EQ(a.status, 400u);
  EXPECT_EQ(a.json().text("error"), "password: must be a text");
  EXPECT_EQ(a.json().text("code"), "BAD_REQUEST");
  EXPECT_EQ(post("login", R"({"name":"ada","password":")" + std::string(5000, 'x') + "\"}").status, 413u);
}

TEST_F(http_sign_in_routes, refreshing_replaces_the_cookie) {
  start();
  auto a = post("refresh", "", cookie);
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.json().text("accessToken"), "access");
  EXPECT_TRUE(cookie_set_by(a).starts_with("mana_refresh=token-2; HttpOnly;"));
}

TEST_F(http_sign_in_routes, a_session_that_has_ended_takes_its_cookie_with_it) {
  start();
  auto a = post("refresh", "", "Cookie: mana_refresh=old\r\n");
  EXPECT_EQ(a.status, 401u);
  EXPECT_TRUE(cookie_set_by(a).starts_with("mana_refresh=;"));
  EXPECT_TRUE(cookie_set_by(a).ends_with("Max-Age=0"));
  EXPECT_EQ(post("refresh").status, 401u);
}

TEST_F(http_sign_in_routes, logging_out_removes_the_cookie) {
  start();
  auto a = post("logout", "", cookie);
  EXPECT_EQ(a.status, 204u);
  EXPECT_TRUE(cookie_set_by(a).ends_with("Max-Age=0"));
}

TEST_F(http_sign_in_routes, only_pages_of_ours_may_use_the_cookie) {
  start();
  for (auto* origin : {"https://mana.test", "https://app.test"})
    EXPECT_EQ(post("refresh", "", cookie + "Origin: " + origin + "\r\n").status, 200u) << origin;
  for (auto* origin : {"https://evil.test", "https://mana.test.evil.test", "http://mana.test", "null"})
    for (auto* route : {"refresh", "logout", "login"}) {
      auto a = post(route, good, cookie + "Origin: " + origin + "\r\n");
      EXPECT_EQ(a.status, 403u) << route << ' ' << origin;
      EXPECT_EQ(cookie_set_by(a), "");
    }
}

TEST_F(http_sign_in_routes, while_the_service_starts_or_stops_the_answer_is_503) {
  start();
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  actor = nullptr;
  EXPECT_EQ(post("login", good).status, 503u);
}
