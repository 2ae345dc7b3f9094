#include "http/audit_routes.hpp"

#include "tests/net/http_routes_fixture.hpp"

using namespace std::chrono_literals;
using namespace mana;

namespace {

const std::string key = "0123456789abcdef";
const std::string with_key = "X-Service-Key: " + key + "\r\n";
const std::string as_u1 = "Authorization: Bearer token of u1\r\n";

// The fakes take an argument each because for functors without any CAF 0.17 binds a reference to null.
audit_reader_actor::behavior_type fake_reader(audit_reader_actor::pointer, std::string down) {
  return {
      [down](const list_audit& l) -> caf::result<audit_page> {
        if (l.user.value == down)
          return to_caf({errc::database_unavailable, "host=db.internal"});
        audit_row row;
        row.record = "of " + l.user.value + " in " + (l.mission ? l.mission->value : "all");
        row.position = static_cast<std::int64_t>(l.limit);
        return audit_page{{row}, l.before};
      },
      [](const get_audit_head&) {
        return audit_head{7, std::string(64, 'b'), timestamp{1'772'352'000'123ms}};
      },
      [](const verify_audit& v) {
        return audit_verdict{3, 3, "of " + v.user.value, std::nullopt};
      },
  };
}

user_eraser_actor::behavior_type fake_eraser(user_eraser_actor::pointer, std::string down) {
  return {[down](const erase_user& e) -> caf::result<user_erased> {
    if (e.user.value == down)
      return to_caf({errc::database_timeout, "host=db.internal"});
    return user_erased{static_cast<std::int64_t>(e.user.value.size()), 2, 3};
  }};
}

// Trusts `Bearer token of <user>`.
boost::asio::awaitable<result<user_id>> fake_identity(const http::request& req) {
  constexpr std::string_view prefix = "Bearer token of ";
  auto given = req.headers.find("authorization");
  if (given == req.headers.end() || !given->second.starts_with(prefix))
    co_return failure{errc::unauthorized, "no token"};
  co_return user_id{given->second.substr(prefix.size())};
}

struct http_audit_routes : mana::testing::http_routes_fixture {
  ~http_audit_routes() override {
    for (auto& a : actors)
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }

  http::audit_front front() {
    http::audit_front f;
    f.system = &sys;
    f.handles = [this] { return handles; };
    f.identify = fake_identity;
    f.service_key = config::secret_text{key};
    return f;
  }
  void start(http::audit_front f, bool with_actors = true) {
    if (with_actors) {
      handles.audit_reader = sys.spawn(fake_reader, std::string{"down"});
      handles.eraser = sys.spawn(fake_eraser, std::string{"down"});
      actors = {caf::actor_cast<caf::actor>(handles.audit_reader), caf::actor_cast<caf::actor>(handles.eraser)};
    }
    http::router r;
    http::add_audit_routes(r, std::move(f));
    serve(r);
  }

  mana::runner_handles handles;
  std::vector<caf::actor> actors;
};

TEST_F(http_audit_routes, rows_are_those_of_the_tokens_user) {
  start(front());
  auto r = call("GET", "/api/v1/me/ai-audit?missionId=m%2F1&limit=5&userId=u2", as_u1);
  EXPECT_EQ(r.status, 200u);
  auto body = r.json();
  auto& row = body.find("rows")->as_array()->front();
  EXPECT_EQ(row.text("recordId"), "of u1 in m/1");
  EXPECT_EQ(row.find("position")->as_integer(), 5);
  EXPECT_TRUE(body.find("nextCursor")->is_null());
  EXPECT_NE(r.head.find("Cache-Control: no-store\r\n"), std::string::npos);
}

TEST_F(http_audit_routes, a_cursor_leads_to_the_next_page) {
  start(front());
  auto cursor = http::audit_cursor(42);
  auto r = call("GET", "/api/v1/me/ai-audit?cursor=" + cursor, as_u1);
  EXPECT_EQ(r.json().text("nextCursor"), cursor);
  EXPECT_EQ(call("GET", "/api/v1/me/ai-audit?cursor=42", as_u1).json().text("code"), "BAD_REQUEST");
  EXPECT_EQ(call("GET", "/api/v1/me/ai-audit?limit=x", as_u1).status, 400u);
}

TEST_F(http_audit_routes, every_route_of_a_user_needs_a_token) {
  start(front());
  for (auto path : {"/api/v1/me/ai-audit", "/api/v1/me/ai-audit/verify", "/api/v1/me/ai-audit/head"}) {
    for (auto& headers : {std::string{}, with_key, std::string{"Authorization: Basic u1\r\n"}}) {
      auto r = call("GET", path, headers);
      EXPECT_EQ(r.status, 401u) << path;
      EXPECT_EQ(r.json().text("code"), "UNAUTHORIZED");
    }
  }
}

TEST_F(http_audit_routes, without_a_check_of_tokens_nobody_gets_in) {
  auto f = front();
  f.identify = nullptr;
  start(std::move(f));
  EXPECT_EQ(call("GET", "/api/v1/me/ai-audit", as_u1).status, 401u);
}

TEST_F(http_audit_routes, a_chain_is_verified) {
  start(front());
  EXPECT_EQ(call("GET", "/api/v1/me/ai-audit/verify", as_u1).body,
            R"({"ok":true,"from":1,"anchor":null,"rows":3,"head":{"position":3,"hash":"of u1"},"firstBad":null})");
}

TEST_F(http_audit_routes, a_head_needs_a_key_to_be_signed) {
  start(front());
  auto r = call("GET", "/api/v1/me/ai-audit/head", as_u1);
  EXPECT_EQ(r.status, 503u);
  EXPECT_EQ(r.json().text("code"), "SIGNING_NOT_CONFIGURED");
}

TEST_F(http_audit_routes, a_head_is_signed) {
  auto f = front();
  f.signer = crypto::parse_signing_keys("-----BEGIN PRIVATE KEY-----\n"
                                        "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5baz2zzRsERTgtajzGfNaumJNqM9u1PuKb7\n"
                                        "-----END PRIVATE KEY-----\n")
                 ->front();
  start(std::move(f));
  auto r = call("GET", "/api/v1/me/ai-audit/head", as_u1);
  EXPECT_EQ(r.status, 200u);
  auto body = r.json();
  EXPECT_EQ(body.find("statement")->text("userId"), "u1");
  EXPECT_FALSE(body.text("signature").empty());
}

TEST_F(http_audit_routes, a_user_is_erased) {
  start(front());
  auto r = call("DELETE", "/internal/users/a%2Fb", with_key);
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, R"({"missions":3,"queuedChanges":2,"auditRows":3})");
}

TEST_F(http_audit_routes, erasing_needs_the_service_key) {
  start(front());
  for (auto& headers : {std::string{}, as_u1, std::string{"X-Service-Key: 0123456789abcdeg\r\n"}})
    EXPECT_EQ(call("DELETE", "/internal/users/u1", headers).status, 401u);
}

TEST_F(http_audit_routes, erasing_stays_closed_without_a_configured_key) {
  auto f = front();
  f.service_key = {};
  start(std::move(f));
  EXPECT_EQ(call("DELETE", "/internal/users/u1", "X-Service-Key: \r\n").status, 401u);
}

TEST_F(http_audit_routes, a_database_that_is_down_shows_no_detail) {
  start(front());
  auto list = call("GET", "/api/v1/me/ai-audit", "Authorization: Bearer token of down\r\n");
  EXPECT_EQ(list.status, 503u);
  auto erase = call("DELETE", "/internal/users/down", with_key);
  EXPECT_EQ(erase.status, 504u);
  EXPECT_EQ((list.body + erase.body).find("db.internal"), std::string::npos);
}

TEST_F(http_audit_routes, all_are_unavailable_while_the_service_starts) {
  start(front(), false);
  for (auto path : {"/api/v1/me/ai-audit", "/api/v1/me/ai-audit/verify"})
    EXPECT_EQ(call("GET", path, as_u1).status, 503u);
  EXPECT_EQ(call("DELETE", "/internal/users/u1", with_key).status, 503u);
}

} // namespace
