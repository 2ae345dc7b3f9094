#include "http/llm_standin_routes.hpp"

#include "tests/net/http_routes_fixture.hpp"

using namespace std::chrono_literals;
using namespace mana;

namespace {

struct http_llm_standin : mana::testing::http_routes_fixture {
  void start(const http::llm_standin_options& options) {
    http::rule_planner p;
    p.plan_for = [](std::string_view prompt) { return "plan for " + std::string{prompt}; };
    p.user_message_of = [](std::string_view body) -> result<std::string> {
      auto v = json::parse(body);
      if (!v || v->text("user").empty())
        return failure{errc::bad_request, "messages: no user message"};
      return std::string{v->text("user")};
    };
    p.completion_json = [](std::string_view content, std::string_view model) {
      return json::to_text(json::object{{"content", content}, {"model", model}});
    };
    http::router r;
    http::add_llm_standin_routes(r, options, std::move(p));
    serve(r);
  }
  auto complete(const std::string& body = R"({"model":"m","user":"goal"})") {
    return call("POST", "/v1/chat/completions", "", body);
  }
  std::int64_t stat(const std::string& name) {
    auto v = call("GET", "/standin/stats").json();
    return v.find(name)->as_integer().value_or(-1);
  }
};

TEST_F(http_llm_standin, answers_a_completion_and_says_what_it_is) {
  http::llm_standin_options o;
  o.latency = 1ms;
  start(o);
  auto r = complete();
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, R"({"content":"plan for goal","model":"m"})");
  EXPECT_NE(r.head.find("X-LLM-Standin: true\r\n"), std::string::npos);
  EXPECT_EQ(complete(R"({"user":"goal"})").json().text("model"), "llm-standin");
  EXPECT_EQ(stat("ok"), 2);
  EXPECT_EQ(stat("maxInFlight"), 1);
  EXPECT_EQ(call("GET", "/health").body, R"({"ok":true,"service":"llm-standin"})");
}

TEST_F(http_llm_standin, refuses_what_is_no_chat_request) {
  start({});
  for (auto body : {"", "{", "{}", "[]"}) {
    auto r = complete(body);
    EXPECT_EQ(r.status, 400u);
    EXPECT_EQ(r.json().text("code"), "BAD_REQUEST");
  }
  EXPECT_EQ(stat("badRequest"), 4);
}

TEST_F(http_llm_standin, can_fail) {
  http::llm_standin_options o;
  o.error_rate = 1;
  start(o);
  auto r = complete();
  EXPECT_EQ(r.status, 500u);
  EXPECT_NE(r.head.find("X-LLM-Standin: true\r\n"), std::string::npos);
  EXPECT_EQ(stat("error"), 1);
}

TEST_F(http_llm_standin, can_answer_garbage) {
  http::llm_standin_options o;
  o.malformed_rate = 1;
  start(o);
  auto r = complete();
  EXPECT_EQ(r.status, 200u);
  EXPECT_FALSE(json::parse(r.json().text("content")));
  EXPECT_EQ(stat("malformed"), 1);
}

TEST_F(http_llm_standin, can_limit_the_rate) {
  http::llm_standin_options o;
  o.rate_limit_rate = 1;
  start(o);
  auto r = complete();
  EXPECT_EQ(r.status, 429u);
  EXPECT_NE(r.head.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(stat("rateLimited"), 1);
}

TEST_F(http_llm_standin, can_cut_its_answer) {
  http::llm_standin_options o;
  o.cut_rate = 1;
  start(o);
  auto r = complete();
  EXPECT_EQ(r.status, 200u);
  const std::string whole = R"({"content":"plan for goal","model":"m"})";
  EXPECT_EQ(r.body, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(stat("cut"), 1);
}

TEST_F(http_llm_standin, can_hang_until_the_client_leaves) {
  http::llm_standin_options o;
  o.hang_rate = 1;
  start(o);
  {
    auto a = send("POST", "/v1/chat/completions", "", R"({"user":"goal"})");
    auto b = send("POST", "/v1/chat/completions", "", R"({"user":"goal"})");
    while (stat("inFlight") < 2) {
    }
    EXPECT_EQ(stat("hang"), 2);
  }
  while (stat("inFlight") > 0) {
  }
  EXPECT_EQ(stat("maxInFlight"), 2);
}

TEST_F(http_llm_standin, repeats_its_choices_for_one_seed) {
  auto sequence = [this](std::uint64_t seed) {
    http::llm_standin_options o;
    o.error_rate = 0.5;
    o.seed = seed;
    start(o);
    std::string out;
    for (int i = 0; i < 24; ++i)
      out += complete().status == 200 ? '+' : '-';
    return out;
  };
  auto first = sequence(7);
  EXPECT_EQ(sequence(7), first);
  EXPECT_NE(sequence(8), first);
}

} // namespace
