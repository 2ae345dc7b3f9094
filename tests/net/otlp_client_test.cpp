#include "actors/otlp_client/otlp_client_actor.hpp"

#include "actors/otlp_client/export_verdict.hpp"
#include "tests/net/actor_calls.hpp"
#include "tests/net/fault_server.hpp"

#include <gtest/gtest.h>

#include <future>

using namespace std::chrono_literals;
using namespace mana;
using test::fault_reply;
using test::fault_server;
using test::http_reply;
using test::seen_request;
using kind = test::fault_reply::kind;
using verdict = export_answer::verdict;

namespace {

struct otlp_client_test : ::testing::Test {
  ~otlp_client_test() override { stop(); }

  void start(const std::string& url) {
    cfg.url = url;
    auto spawned = spawn_otlp_client(sys, loop, cfg);
    ASSERT_TRUE(spawned) << spawned.error().detail;
    client = *spawned;
  }
  void stop() { mana::testing::end_actor(sys, client); }
  result<export_answer> post(const std::string& body = "{}") {
    return mana::testing::ask_actor<export_answer>(sys, client,
                                                   export_spans{std::make_shared<const std::string>(body)});
  }
  // The line and fields that a collector behind `url` gets.
  std::string head_for(const std::string& path, bool is_base) {
    std::promise<std::string> head;
    fault_server server{[&](const seen_request& r) {
      head.set_value(r.head);
      return fault_reply{kind::text, http_reply(200, "{}")};
    }};
    cfg.url_is_base = is_base;
    start(server.url() + path);
    EXPECT_EQ(post()->what, verdict::accepted);
    stop();
    return head.get_future().get();
  }

  caf::actor_system_config caf_config;
  caf::actor_system sys{caf_config};
  io_loop loop{sys};
  otlp_client_config cfg;
  otlp_client_actor client;
};

} // namespace

TEST_F(otlp_client_test, a_base_url_gets_the_path_of_traces_and_a_whole_one_none) {
  const std::pair<std::pair<const char*, bool>, const char*> cases[] = {{{"", true}, "/v1/traces"},
                                                                        {{"/", true}, "/v1/traces"},
                                                                        {{"/otlp/", true}, "/otlp/v1/traces"},
                                                                        {{"", false}, "/"},
                                                                        {{"/", false}, "/"},
                                                                        {{"/in", false}, "/in"},
                                                                        {{"/in/here/", false}, "/in/here/"}};
  for (auto& [url, path] : cases) {
    auto head = head_for(url.first, url.second);
    EXPECT_TRUE(head.starts_with("POST " + std::string{path} + " HTTP/1.1\r\n")) << head;
  }
}

TEST_F(otlp_client_test, sends_json_with_the_headers_of_the_settings) {
  cfg.headers = {{"Authorization", "Basic QWxh"}, {"x-tenant", "7"}};
  auto head = head_for("", true);
  EXPECT_NE(head.find("\r\nContent-Type: application/json\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nAuthorization: Basic QWxh\r\nx-tenant: 7\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("traceparent"), std::string::npos); // or a collector would trace itself
}

TEST_F(otlp_client_test, a_collector_that_hangs_is_given_up) {
  fault_server server{fault_reply{kind::hang, ""}};
  cfg.timeout = 50ms;
  start(server.url());
  auto answer = post();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->what, verdict::retryable);
  EXPECT_EQ(answer->detail, "no answer in time");
}

TEST_F(otlp_client_test, no_collector_is_an_answer_too) {
  std::string url;
  {
    fault_server server{fault_reply{}};
    url = server.url();
  }
  start(url);
  EXPECT_EQ(post()->what, verdict::retryable);
}

TEST_F(otlp_client_test, what_is_under_way_at_its_end_is_answered) {
  fault_server server{fault_reply{kind::hang, ""}};
  start(server.url());
  auto answer = std::async(std::launch::async, [this] {
    result<export_answer> r = failure{};
    caf::scoped_actor self{sys};
    self->request(client, caf::infinite, export_spans{std::make_shared<const std::string>("{}")})
        .receive([&](export_answer& a) { r = std::move(a); }, [&](const caf::error& e) { r = to_failure(e); });
    return r;
  });
  ASSERT_TRUE(server.wait_for([](auto& c) { return c.requests == 1; }));
  {
    caf::scoped_actor self{sys};
    self->send_exit(client, caf::exit_reason::user_shutdown);
    self->wait_for(client);
  }
  auto r = answer.get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::cancelled);
  client = nullptr;
}

TEST(export_verdict, retries_what_otlp_says_and_nothing_else) {
  std::chrono::sys_seconds now{1'000'000s};
  net::http_response r;
  for (unsigned status : {429u, 502u, 503u, 504u}) {
    r.status = status;
    r.retry_after = "7";
    auto a = judge_export(r, now);
    EXPECT_EQ(a.what, verdict::retryable) << status;
    EXPECT_EQ(a.retry_after, 7s);
  }
  for (unsigned status : {301u, 400u, 401u, 404u, 408u, 413u, 500u, 501u}) {
    r.status = status;
    EXPECT_EQ(judge_export(r, now).what, verdict::refused) << status;
  }
  r.status = 200;
  r.body = R"({"partialSuccess":{"rejectedSpans":"3"}})";
  EXPECT_EQ(judge_export(r, now).what, verdict::accepted);
  EXPECT_EQ(judge_export(r, now).rejected, 3u);
  for (auto what : {net::outcome::connect_failed, net::outcome::transport_failed, net::outcome::too_large,
                    net::outcome::tls_failed}) {
    r.what = what;
    EXPECT_EQ(judge_export(r, now).what, verdict::retryable);
    EXPECT_FALSE(judge_export(r, now).detail.empty());
  }
}
