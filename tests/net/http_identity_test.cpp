// Who is calling, across origins: tokens and CORS on a real server.
#include "http/jwks_routes.hpp"
#include "http/server/bearer.hpp"
#include "http/server/cors.hpp"
#include "http/server/error_response.hpp"
#include "tests/net/http_routes_fixture.hpp"
#include "tests/unit/jwt/test_tokens.hpp"

using namespace std::chrono_literals;
using namespace mana;

namespace {

const timestamp now{1'800'000'000'000ms};
const std::string from_app = "Origin: https://app.test\r\n";

boost::asio::awaitable<http::response> who_am_i(http::identity_check check, http::request req) {
  auto user = co_await check(req);
  if (!user)
    co_return http::error_response(user.error());
  http::response out;
  out.body = json::to_text(json::object{{"user", user->value}});
  co_return out;
}

boost::asio::awaitable<http::response> defect() {
  throw std::runtime_error{"a defect"};
  co_return http::response{};
}

struct http_identity : mana::testing::http_routes_fixture {
  void start() {
    auto keys = http::own_keys(jwt::key_set::of(std::vector{key}));
    auto check = http::bearer_check(std::move(keys), mana::testing::test_expectations(), [] { return now; });
    http::router routes;
    routes.add("GET", "/api/v1/me", [check](http::request r) { return who_am_i(check, std::move(r)); });
    routes.add("GET", "/api/v1/defect", [](const http::request&) { return defect(); });
    http::add_jwks_route(routes, jwt::to_jwks(std::vector{key}));
    http::server_config c;
    c.max_body_bytes = 100;
    c.added_headers = [](const http::request& r) { return http::cors_headers({"https://app.test"}, r); };
    auto s = http::server::start(loop, c, routes.as_handler());
    ASSERT_TRUE(s) << s.error().detail;
    server = std::move(*s);
  }
  static bool has(const mana::testing::answer& a, const std::string& line) {
    return a.head.find("\r\n" + line + "\r\n") != std::string::npos;
  }

  crypto::signing_key key = mana::testing::fresh_signing_key();
};

} // namespace

TEST_F(http_identity, a_good_token_says_who_is_calling) {
  start();
  auto token = mana::testing::token_for(key, "u1", now);
  auto a = call("GET", "/api/v1/me", "Authorization: Bearer " + token + "\r\n");
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.json().text("user"), "u1");
}

TEST_F(http_identity, without_one_the_answer_is_401_with_a_challenge_and_quotes_nothing) {
  start();
  auto foreign = mana::testing::token_for(mana::testing::fresh_signing_key(), "u1", now);
  auto expired = mana::testing::token_for(key, "u1", now - 1h, 1min);
  for (auto& header : {std::string{}, std::string{"Authorization: Basic dTE6cHc=\r\n"},
                       "Authorization: Bearer " + foreign + "\r\n", "Authorization: Bearer " + expired + "\r\n",
                       "Authorization: Bearer " + expired + "\r\nAuthorization: Bearer " + expired + "\r\n"}) {
    auto a = call("GET", "/api/v1/me", header);
    EXPECT_EQ(a.status, 401u);
    EXPECT_TRUE(has(a, "WWW-Authenticate: Bearer"));
    EXPECT_EQ(a.json().text("code"), "UNAUTHORIZED");
    EXPECT_EQ(a.body.find("eyJ"), std::string::npos);
  }
}

TEST_F(http_identity, the_key_set_that_is_served_verifies_the_tokens) {
  start();
  auto a = call("GET", "/api/v1/auth/jwks");
  EXPECT_EQ(a.status, 200u);
  auto set = jwt::key_set::parse(a.body);
  ASSERT_TRUE(set);
  EXPECT_NE(set->find(key.key_id()), nullptr);
}

TEST_F(http_identity, a_preflight_is_answered_for_a_listed_origin) {
  start();
  auto a = call("OPTIONS", "/api/v1/me",
                from_app + "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n");
  EXPECT_EQ(a.status, 204u);
  EXPECT_TRUE(has(a, "Access-Control-Allow-Origin: https://app.test"));
  EXPECT_TRUE(has(a, "Access-Control-Allow-Headers: authorization, content-type, traceparent, tracestate"));
}

TEST_F(http_identity, errors_carry_the_headers_whoever_made_them) {
  start();
  const std::pair<mana::testing::answer, unsigned> cases[] = {
      {call("GET", "/api/v1/me", from_app), 401u},
      {call("GET", "/api/v1/nowhere", from_app), 404u},
      {call("POST", "/api/v1/me", from_app), 405u},
      {call("GET", "/api/v1/defect", from_app), 500u},
      {call("POST", "/api/v1/me", from_app, std::string(101, 'x')), 413u},
  };
  for (auto& [a, status] : cases) {
    EXPECT_EQ(a.status, status);
    EXPECT_TRUE(has(a, "Access-Control-Allow-Origin: https://app.test")) << status;
    EXPECT_TRUE(has(a, "Vary: Origin")) << status;
  }
}

TEST_F(http_identity, another_origin_gets_no_permission) {
  start();
  auto a = call("GET", "/api/v1/me", "Origin: https://evil.test\r\n");
  EXPECT_EQ(a.head.find("Access-Control"), std::string::npos);
  EXPECT_TRUE(has(a, "Vary: Origin"));
}

TEST_F(http_identity, an_issuer_that_cannot_be_reached_is_unauthorized_and_says_so) {
  auto keys = http::issuer_keys(sys, [] { return token_keys_actor{}; });
  auto check = http::bearer_check(keys, mana::testing::test_expectations(), [] { return now; });
  http::router routes;
  routes.add("GET", "/api/v1/me", [check](http::request r) { return who_am_i(check, std::move(r)); });
  serve(routes);
  auto a = call("GET", "/api/v1/me", "Authorization: Bearer " + mana::testing::token_for(key, "u1", now) + "\r\n");
  EXPECT_EQ(a.status, 401u);
  EXPECT_EQ(a.json().text("error"), "the keys of the tokens' issuer cannot be fetched");
}
