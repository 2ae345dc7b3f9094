// The routes of a signed-in user, over a socket, with fake actors behind them.
#include "http/user_routes.hpp"

#include "messages/retry_after.hpp"
#include "tests/net/http_routes_fixture.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

using namespace std::chrono_literals;
using namespace mana;

namespace {

const timestamp noon{1'700'000'000'123ms};
const std::string token = "0b8e6a52-7d1c-4f1e-9a3b-2c4d5e6f7081";
const std::string as_anna = "Authorization: Bearer anna\r\n";
const std::string run_path = "/api/v1/me/missions/m1/foreground-run";
const std::string chat_path = "/api/v1/me/llm/chat/completions";
const std::string chat = R"({"messages":[{"role":"user","content":"geheim"}],"max_tokens":9})";

// What the fakes were asked, seen from other threads.
struct seen {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> what;

  void add(std::string s) {
    std::lock_guard lock{mutex};
    what.push_back(std::move(s));
    changed.notify_all();
  }
  std::vector<std::string> all() {
    std::lock_guard lock{mutex};
    return what;
  }
  bool wait_for(const std::string& s) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 20s, [&] { return std::find(what.begin(), what.end(), s) != what.end(); });
  }
};

// The fakes take an argument each because for functors without any CAF 0.17 binds a reference to null.
mission_directory_actor::behavior_type fake_directory(mission_directory_actor::pointer, seen*) {
  return {[](const list_missions& m) {
    mission_list out;
    out.now = noon;
    mission_status s;
    s.id = {"m of " + m.user.value};
    out.missions.push_back(s);
    return out;
  }};
}

foreground_runs_actor::behavior_type fake_runs(foreground_runs_actor::pointer, seen* saw) {
  return {[=](const claim_foreground_run& m) -> caf::result<foreground_run> {
            saw->add("claim " + m.key.user.value + "/" + m.key.mission.value);
            if (m.key.mission.value == "granted")
              return to_caf({errc::mission_has_grant, "the mission has a grant, so the server plans it"});
            if (m.key.mission.value == "unknown")
              return to_caf({errc::mission_unknown, "you have no such mission"});
            return foreground_run{{token}, noon, "iteration", noon + 15s};
          },
          [=](const renew_foreground_run& m) -> caf::result<foreground_run_renewed> {
            saw->add("renew " + m.held.key.user.value + "/" + m.held.key.mission.value + " " + m.held.token.value);
            if (m.held.key.mission.value == "lost")
              return to_caf({errc::lease_lost, "the run is not this tab's any more"});
            return foreground_run_renewed{noon};
          },
          [=](const end_foreground_run& m) {
            saw->add("end " + m.held.key.user.value + "/" + m.held.key.mission.value + " " + m.held.token.value);
            return foreground_run_ended{};
          }};
}

// Answers at once, or never when the user is `patient`: then it tells when the requester ends.
llm_proxy_actor::behavior_type fake_proxy(llm_proxy_actor::pointer self, seen* saw) {
  self->set_down_handler([saw](const caf::down_msg&) { saw->add("gave up"); });
  return {[=](const user_chat& c) -> caf::result<chat_answer> {
    auto& p = *c.prompt;
    if (c.user.value == "patient") {
      self->monitor(caf::actor_cast<caf::actor_addr>(self->current_sender()));
      saw->add("waits");
      return self->make_response_promise<chat_answer>();
    }
    if (c.user.value == "spent")
      return to_caf(token_budget_spent_for(90s));
    if (c.user.value == "busy")
      return to_caf(rate_limited_for(2s));
    if (c.user.value == "unlucky")
      return to_caf({errc::llm_timeout, "host=llm.internal"});
    chat_answer a;
    a.content = std::string{p.messages.back().content.view()} + " " + std::to_string(p.max_tokens.value_or(0));
    a.completion_tokens = 2;
    return a;
  }};
}

struct http_user_routes : mana::testing::http_routes_fixture {
  http_user_routes() {
    runner_handles h;
    h.missions = sys.spawn(fake_directory, &saw);
    h.foreground = sys.spawn(fake_runs, &saw);
    h.llm_proxy = sys.spawn(fake_proxy, &saw);
    handles = h;
    http::user_front f;
    f.system = &sys;
    f.handles = [this] { return handles; };
    // The token is the user's name.
    f.identify = [](const http::request& req) -> boost::asio::awaitable<result<user_id>> {
      auto header = req.headers.find("authorization");
      if (header == req.headers.end() || !header->second.starts_with("Bearer "))
        co_return failure{errc::unauthorized, "no token"};
      co_return user_id{header->second.substr(7)};
    };
    f.llm = {"llm.example", {}, "m", true, 2'000};
    http::router r;
    http::add_user_routes(r, std::move(f));
    serve(r);
  }
  ~http_user_routes() override {
    for (auto& a : {caf::actor_cast<caf::actor>(handles.missions), caf::actor_cast<caf::actor>(handles.foreground),
                    caf::actor_cast<caf::actor>(handles.llm_proxy)})
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }
  mana::testing::answer complete_as(const std::string& user, const std::string& body = chat) {
    return call("POST", chat_path, "Authorization: Bearer " + user + "\r\n", body);
  }

  seen saw;
  runner_handles handles;
};

TEST_F(http_user_routes, nobody_gets_in_without_a_token) {
  for (auto& [method, path] : std::vector<std::pair<std::string, std::string>>{{"GET", "/api/v1/me/missions"},
                                                                               {"POST", run_path},
                                                                               {"PUT", run_path},
                                                                               {"DELETE", run_path},
                                                                               {"GET", "/api/v1/me/llm"},
                                                                               {"POST", chat_path}}) {
    auto r = call(method, path);
    EXPECT_EQ(r.status, 401u) << method << ' ' << path;
    EXPECT_EQ(r.json().text("code"), "UNAUTHORIZED");
  }
  EXPECT_TRUE(saw.all().empty());
}

TEST_F(http_user_routes, users_see_their_own_missions) {
  auto r = call("GET", "/api/v1/me/missions", as_anna);
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.json().find("missions")->as_array()->front().text("missionId"), "m of anna");
}

TEST_F(http_user_routes, users_see_where_their_text_goes) {
  EXPECT_EQ(call("GET", "/api/v1/me/llm", as_anna).body,
            R"({"host":"llm.example","fallbackHosts":[],"model":"m","standIn":true,"maxTokens":2000})");
}

// -- foreground runs ------------------------------------------------------------------------------------

TEST_F(http_user_routes, a_run_begins_is_renewed_and_ends) {
  auto begun = call("POST", run_path, as_anna);
  EXPECT_EQ(begun.status, 200u);
  EXPECT_EQ(begun.json().text("leaseToken"), token);
  EXPECT_EQ(begun.json().text("leasedUntil"), "2023-11-14T22:13:35.123Z");
  auto renewed = call("PUT", run_path, as_anna, R"({"leaseToken":")" + token + R"("})");
  EXPECT_EQ(renewed.body, R"({"leasedUntil":"2023-11-14T22:13:20.123Z"})");
  EXPECT_EQ(call("DELETE", run_path + "?leaseToken=" + token, as_anna).status, 204u);
  EXPECT_EQ(saw.all(), (std::vector<std::string>{"claim anna/m1", "renew anna/m1 " + token, "end anna/m1 " + token}));
}

TEST_F(http_user_routes, a_refusal_has_its_code_and_says_why) {
  auto granted = call("POST", "/api/v1/me/missions/granted/foreground-run", as_anna);
  EXPECT_EQ(granted.status, 409u);
  EXPECT_EQ(granted.json().text("code"), "MISSION_HAS_GRANT");
  EXPECT_EQ(granted.json().text("error"), "the mission has a grant, so the server plans it");
  auto unknown = call("POST", "/api/v1/me/missions/unknown/foreground-run", as_anna);
  EXPECT_EQ(unknown.status, 404u);
  EXPECT_EQ(unknown.json().text("code"), "MISSION_UNKNOWN");
  auto lost = call("PUT", "/api/v1/me/missions/lost/foreground-run", as_anna, R"({"leaseToken":")" + token + R"("})");
  EXPECT_EQ(lost.status, 409u);
  EXPECT_EQ(lost.json().text("code"), "LEASE_LOST");
}

TEST_F(http_user_routes, an_id_that_no_mission_has_is_unknown_without_asking) {
  auto r = call("POST", "/api/v1/me/missions/" + std::string(513, 'm') + "/foreground-run", as_anna);
  EXPECT_EQ(r.json().text("code"), "MISSION_UNKNOWN");
  EXPECT_TRUE(saw.all().empty());
}

TEST_F(http_user_routes, a_token_that_is_missing_or_none_is_named) {
  EXPECT_EQ(call("PUT", run_path, as_anna, "{}").json().text("error"), "leaseToken: is missing");
  EXPECT_EQ(call("DELETE", run_path, as_anna).json().text("error"), "leaseToken: is missing");
  auto r = call("DELETE", run_path + "?leaseToken=x", as_anna);
  EXPECT_EQ(r.status, 400u);
  EXPECT_EQ(r.json().text("error"), "leaseToken: is no token of a run");
  EXPECT_TRUE(saw.all().empty());
}

// -- calls ----------------------------------------------------------------------------------------------

TEST_F(http_user_routes, a_call_is_answered_in_the_shape_of_the_api) {
  auto r = complete_as("anna");
  EXPECT_EQ(r.status, 200u);
  auto answer = r.json();
  EXPECT_EQ(answer.find("choices")->as_array()->front().find("message")->text("content"), "geheim 9");
  EXPECT_EQ(answer.find("usage")->find("completion_tokens")->as_integer(), 2);
}

TEST_F(http_user_routes, limits_say_when_to_come_back) {
  auto spent = complete_as("spent");
  EXPECT_EQ(spent.status, 429u);
  EXPECT_EQ(spent.json().text("code"), "TOKEN_BUDGET_SPENT");
  EXPECT_NE(spent.head.find("Retry-After: 90\r\n"), std::string::npos);
  auto busy = complete_as("busy");
  EXPECT_EQ(busy.status, 429u);
  EXPECT_EQ(busy.json().text("code"), "RATE_LIMITED");
  EXPECT_NE(busy.head.find("Retry-After: 2\r\n"), std::string::npos);
}

TEST_F(http_user_routes, trouble_of_the_endpoint_has_a_code_and_no_details) {
  auto r = complete_as("unlucky");
  EXPECT_EQ(r.status, 504u);
  EXPECT_EQ(r.json().text("code"), "LLM_TIMEOUT");
  EXPECT_EQ(r.body.find("llm.internal"), std::string::npos);
}

TEST_F(http_user_routes, a_body_that_is_wrong_or_too_large_is_refused) {
  auto wrong = complete_as("anna", R"({"messages":[{"role":"user","content":"geheim"}],"model":"m"})");
  EXPECT_EQ(wrong.status, 400u);
  EXPECT_EQ(wrong.json().text("error"), "model: is not known here");
  EXPECT_EQ(wrong.body.find("geheim"), std::string::npos);
  auto large = complete_as("anna", std::string(256 * 1024 + 1, ' '));
  EXPECT_EQ(large.status, 413u);
}

TEST_F(http_user_routes, a_client_that_goes_away_takes_its_call_with_it) {
  {
    auto s = send("POST", chat_path, "Authorization: Bearer patient\r\n", chat);
    ASSERT_TRUE(saw.wait_for("waits"));
  }
  EXPECT_TRUE(saw.wait_for("gave up"));
  EXPECT_EQ(complete_as("anna").status, 200u);
}

TEST_F(http_user_routes, a_server_that_stops_takes_its_calls_with_it) {
  auto s = send("POST", chat_path, "Authorization: Bearer patient\r\n", chat);
  ASSERT_TRUE(saw.wait_for("waits"));
  server->stop(0ms).wait();
  EXPECT_TRUE(saw.wait_for("gave up"));
}

TEST_F(http_user_routes, a_client_that_sends_its_next_request_early_is_served_both) {
  mana::testing::http_socket s{server->port()};
  auto head = "POST " + chat_path + " HTTP/1.1\r\nHost: h\r\n" + as_anna
              + "Content-Length: " + std::to_string(chat.size()) + "\r\n\r\n" + chat;
  s.send(head + head);
  EXPECT_NE(s.response().find("200 OK"), std::string::npos);
  EXPECT_NE(s.response().find("200 OK"), std::string::npos);
}

} // namespace
