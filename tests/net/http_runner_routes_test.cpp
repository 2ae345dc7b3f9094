#include "http/runner_routes.hpp"

#include "tests/net/http_routes_fixture.hpp"

using namespace std::chrono_literals;
using namespace mana;

namespace {

const timestamp noon{1'700'000'000'123ms};
const std::string key = "0123456789abcdef";
const std::string with_key = "X-Service-Key: " + key + "\r\n";

// The fakes take an argument each because for functors without any CAF 0.17 binds a reference to null.
scheduler_actor::behavior_type fake_scheduler(scheduler_actor::pointer, timestamp scanned_at) {
  return {[scanned_at](run_tick) {
            tick_report r;
            r.scanned_at = scanned_at;
            r.due = 2;
            return r;
          },
          [](work_available) {},
          [](const run_finished&) {},
          [](const run_uses_grant&) {},
          [](const stop_runs&) {},
          [](get_scheduler_status) {
            scheduler_status s;
            s.tick_enabled = true;
            s.tick_running = true;
            s.last_tick_age = 1s;
            return s;
          },
          [](drain) { return drained{}; }};
}

mission_directory_actor::behavior_type fake_directory(mission_directory_actor::pointer, timestamp now) {
  return {[now](const list_missions& l) -> caf::result<mission_list> {
    if (l.user.value == "down")
      return to_caf({errc::database_unavailable, "host=db.internal"});
    mission_status m;
    m.id.value = "m of " + l.user.value;
    m.not_running_because = "paused";
    return mission_list{now, {m}, {}};
  }};
}

database_actor::behavior_type fake_database(database_actor::pointer, bool connected) {
  return {[](const database_job&) { return database_answer{}; },
          [connected](get_database_status) {
            return database_status{connected, "password authentication failed for user x"};
          }};
}

llm_client_actor::behavior_type fake_llm(llm_client_actor::pointer, llm_status status) {
  return {[](const chat_call&) { return chat_answer{}; }, [status](get_llm_status) { return status; }};
}

struct http_runner_routes : mana::testing::http_routes_fixture {
  ~http_runner_routes() override {
    for (auto& a : actors)
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }

  void start(bool database_connected = true, std::string service_key = key, bool with_actors = true) {
    runner_handles_to_give = [&] {
      mana::runner_handles h;
      if (!with_actors)
        return h;
      h.scheduler = sys.spawn(fake_scheduler, noon);
      h.missions = sys.spawn(fake_directory, noon);
      h.database = sys.spawn(fake_database, database_connected);
      h.llm = sys.spawn(fake_llm, llm_status{});
      for (auto a : {caf::actor_cast<caf::actor>(h.scheduler), caf::actor_cast<caf::actor>(h.missions),
                     caf::actor_cast<caf::actor>(h.database), caf::actor_cast<caf::actor>(h.llm)})
        actors.push_back(std::move(a));
      return h;
    }();
    http::runner_front f;
    f.system = &sys;
    f.handles = [this] { return runner_handles_to_give; };
    f.schema = [] { return mana::schema_status{true, {}, {"the login bypasses row security"}}; };
    f.service_key = config::secret_text{std::move(service_key)};
    http::router r;
    http::add_probe_routes(r, {http::probed_runner(f)}, registry, "1.2.3");
    http::add_runner_routes(r, std::move(f));
    serve(r);
  }

  mana::runner_handles runner_handles_to_give;
  std::vector<caf::actor> actors;
};

TEST_F(http_runner_routes, health_tells_version_and_tick) {
  start();
  auto r = call("GET", "/health");
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, R"({"ok":true,"service":"mana-ai","version":"1.2.3","tick":{"enabled":true,"running":true}})");
}

TEST_F(http_runner_routes, health_is_well_without_any_actor_and_ready_is_not) {
  start(true, key, false);
  EXPECT_EQ(call("GET", "/health").body,
            R"({"ok":true,"service":"mana-ai","version":"1.2.3","tick":{"enabled":true,"running":false}})");
  auto r = call("GET", "/ready");
  EXPECT_EQ(r.status, 503u);
  EXPECT_EQ(r.json().find("failing")->as_array()->size(), 3u);
  EXPECT_EQ(call("POST", "/internal/tick", with_key).status, 503u);
}

TEST_F(http_runner_routes, ready_is_200_with_warnings) {
  start();
  auto r = call("GET", "/ready");
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, R"({"ready":true,"failing":[],"warnings":["the login bypasses row security"]})");
}

TEST_F(http_runner_routes, ready_names_the_failing_part_and_no_detail) {
  start(false);
  auto r = call("GET", "/ready");
  EXPECT_EQ(r.status, 503u);
  EXPECT_EQ(r.body, R"({"ready":false,"failing":[{"part":"database","reason":"not connected"}],)"
                    R"("warnings":["the login bypasses row security"]})");
}

TEST_F(http_runner_routes, tick_answers_its_report) {
  start();
  auto r = call("POST", "/internal/tick", with_key);
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, R"({"scannedAt":"2023-11-14T22:13:20.123Z","dueMissionCount":2,"plansProduced":0,)"
                    R"("plansWrittenBack":0,"parseFailures":0,"errors":[]})");
}

TEST_F(http_runner_routes, missions_of_a_user_are_listed) {
  start();
  auto r = call("GET", "/internal/missions/a%2Fb", with_key);
  EXPECT_EQ(r.status, 200u);
  auto list = r.json();
  auto& m = list.find("missions")->as_array()->at(0);
  EXPECT_EQ(m.text("id"), "m of a/b");
  EXPECT_EQ(m.text("notRunningBecause"), "paused");
}

TEST_F(http_runner_routes, missions_report_a_database_that_is_down) {
  start();
  auto r = call("GET", "/internal/missions/down", with_key);
  EXPECT_EQ(r.status, 503u);
  EXPECT_EQ(r.json().text("code"), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(r.body.find("db.internal"), std::string::npos);
}

TEST_F(http_runner_routes, internal_routes_need_the_service_key) {
  start();
  for (std::string headers : {"", "X-Service-Key: \r\n", "X-Service-Key: 0123456789abcdeg\r\n",
                              "X-Service-Key: 0123456789abcdef0\r\n", "Authorization: Bearer 0123456789abcdef\r\n",
                              "X-Service-Key: 0123456789abcdef\r\nX-Service-Key: 0123456789abcdef\r\n"})
    for (auto [method, path] : {std::pair{"POST", "/internal/tick"}, std::pair{"GET", "/internal/missions/u"}}) {
      auto r = call(method, path, headers);
      EXPECT_EQ(r.status, 401u) << headers;
      EXPECT_EQ(r.json().text("code"), "UNAUTHORIZED");
      EXPECT_EQ(r.body.find(key), std::string::npos);
    }
}

TEST_F(http_runner_routes, internal_routes_stay_closed_without_a_configured_key) {
  start(true, "");
  EXPECT_EQ(call("POST", "/internal/tick").status, 401u);
  EXPECT_EQ(call("POST", "/internal/tick", "X-Service-Key: \r\n").status, 401u);
}

TEST_F(http_runner_routes, metrics_count_requests_by_pattern) {
  start();
  call("GET", "/internal/missions/user-4711", with_key);
  call("GET", "/nothing/user-4711");
  call("GET", "/internal/tick");
  auto r = call("GET", "/metrics");
  EXPECT_EQ(r.status, 200u);
  EXPECT_NE(r.head.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), std::string::npos);
  EXPECT_EQ(r.body.find("4711"), std::string::npos);
  auto counts = [&](const std::string& path, int status) {
    auto name = "mana_ai_http_requests_total{";
    for (std::size_t at = r.body.find(name); at != std::string::npos; at = r.body.find(name, at + 1)) {
      auto line = r.body.substr(at, r.body.find('\n', at) - at);
      if (line.find("path=\"" + path + '"') != std::string::npos
          && line.find("status=\"" + std::to_string(status) + '"') != std::string::npos)
        return line.ends_with("} 1");
    }
    return false;
  };
  EXPECT_TRUE(counts("/internal/missions/{userId}", 200)) << r.body;
  EXPECT_TRUE(counts("unmatched", 404));
  EXPECT_TRUE(counts("/internal/tick", 405));
}

} // namespace
