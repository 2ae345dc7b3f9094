#include "http/quarantine_routes.hpp"

#include "tests/net/http_routes_fixture.hpp"

using namespace std::chrono_literals;
using namespace mana;

namespace {

const timestamp noon{1'700'000'000'123ms};
const std::string key = "0123456789abcdef";
const std::string with_key = "X-Service-Key: " + key + "\r\n";

mission_quarantine_actor::behavior_type fake_quarantine(mission_quarantine_actor::pointer, bool up) {
  return {[up](list_quarantined) -> caf::result<quarantined_missions> {
            if (!up)
              return to_caf({errc::database_unavailable, "host=db.internal"});
            return quarantined_missions{{{{{"u\"1"}, {"m1"}}, noon, "quarantined: 3 runs"}}};
          },
          [](const release_mission& m) -> caf::result<mission_released> {
            if (m.key.user.value == "nobody")
              return to_caf({errc::not_found, "the user has no such mission"});
            return mission_released{m.key.mission.value == "poison"};
          }};
}

struct http_quarantine_routes : mana::testing::http_routes_fixture {
  ~http_quarantine_routes() override { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); }

  void start(bool up = true) {
    actor = sys.spawn(fake_quarantine, up);
    http::runner_front f;
    f.system = &sys;
    f.handles = [this] {
      runner_handles h;
      h.quarantine = actor;
      return h;
    };
    f.service_key = config::secret_text{key};
    http::router r;
    http::add_quarantine_routes(r, f);
    http::add_runner_routes(r, std::move(f));
    serve(r);
  }
  mana::testing::answer release(const std::string& body) {
    return call("POST", "/internal/quarantine/release", with_key, body);
  }

  mission_quarantine_actor actor;
};

TEST_F(http_quarantine_routes, quarantined_missions_are_listed) {
  start();
  auto r = call("GET", "/internal/quarantine", with_key);
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, R"({"missions":[{"userId":"u\"1","missionId":"m1","since":"2023-11-14T22:13:20.123Z",)"
                    R"("lastError":"quarantined: 3 runs"}]})");
}

TEST_F(http_quarantine_routes, a_list_without_a_database_is_503_and_tells_no_detail) {
  start(false);
  auto r = call("GET", "/internal/quarantine", with_key);
  EXPECT_EQ(r.status, 503u);
  EXPECT_EQ(r.body.find("db.internal"), std::string::npos);
}

TEST_F(http_quarantine_routes, a_release_says_whether_there_was_a_quarantine) {
  start();
  EXPECT_EQ(release(R"({"userId":"u","missionId":"poison"})").body, R"({"wasQuarantined":true})");
  EXPECT_EQ(release(R"({"userId":"u","missionId":"harmless"})").body, R"({"wasQuarantined":false})");
}

TEST_F(http_quarantine_routes, a_release_of_an_unknown_mission_is_404) {
  start();
  auto r = release(R"({"userId":"nobody","missionId":"m"})");
  EXPECT_EQ(r.status, 404u);
  EXPECT_EQ(r.json().text("error"), "the user has no such mission");
}

TEST_F(http_quarantine_routes, a_release_names_the_member_that_is_wrong) {
  start();
  for (auto& [body, says] : std::vector<std::pair<std::string, std::string>>{
           {"", "the body is not a JSON object"},
           {"[]", "the body is not a JSON object"},
           {R"({"missionId":"m"})", "userId: is missing"},
           {R"({"userId":"u"})", "missionId: is missing"},
           {R"({"userId":1,"missionId":"m"})", "userId: must be a text"},
           {R"({"userId":"u","missionId":""})", "missionId: must not be empty"},
           {R"({"userId":"u","missionId":"a\u0000b"})", "missionId: is no id"},
           {R"({"userId":"u","missionId":")" + std::string(513, 'm') + R"("})", "missionId: is no id"},
           {R"({"userId":"u","missionId":"m","force":true})", "the body has members besides userId and missionId"}}) {
    auto r = release(body);
    EXPECT_EQ(r.status, 400u) << body;
    EXPECT_EQ(r.json().text("error"), says);
  }
}

TEST_F(http_quarantine_routes, an_over_long_release_is_413_as_on_every_route) {
  start();
  auto r = release(R"({"userId":")" + std::string(5000, 'u') + R"("})");
  EXPECT_EQ(r.status, 413u);
  EXPECT_EQ(r.json().text("code"), "LIMIT_EXCEEDED");
}

TEST_F(http_quarantine_routes, both_need_the_service_key) {
  start();
  for (std::string headers : {"", "X-Service-Key: \r\n", "X-Service-Key: 0123456789abcdeg\r\n"}) {
    EXPECT_EQ(call("GET", "/internal/quarantine", headers).status, 401u);
    EXPECT_EQ(call("POST", "/internal/quarantine/release", headers, R"({"userId":"u","missionId":"m"})").status, 401u);
  }
}

} // namespace
