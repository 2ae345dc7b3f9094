// What spans say, and what they do not.
#include "actors/supervisor/run_spans.hpp"
#include "http/server/observe.hpp"
#include "infra/tracing/otlp_json.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace std::chrono_literals;
using namespace mana;

namespace {

std::map<std::string, std::string> attributes_of(const ended_span& s) {
  std::map<std::string, std::string> out;
  for (auto& [key, value] : s.attributes) {
    auto* text = std::get_if<std::string>(&value);
    out[std::string{key}] = text != nullptr ? *text : std::to_string(std::get<std::int64_t>(value));
  }
  return out;
}
using attributes = std::map<std::string, std::string>;

template <class T, class... More>
ended_span described(const T& what, const More&... more) {
  ended_span out;
  describe(what, more..., out);
  return out;
}

TEST(request_span, is_named_by_method_and_pattern) {
  http::exchange e;
  e.method = "GET";
  e.route = "/internal/missions/{userId}";
  e.status = 404;
  auto s = described(e);
  EXPECT_EQ(s.name, "GET /internal/missions/{userId}");
  EXPECT_EQ(s.kind, span_kind::server);
  EXPECT_FALSE(s.failed);
  EXPECT_EQ(attributes_of(s), (attributes{{"http.request.method", "GET"},
                                          {"http.route", "/internal/missions/{userId}"},
                                          {"http.response.status_code", "404"},
                                          {"url.scheme", "http"}}));
}

TEST(request_span, holds_no_text_of_the_client) {
  http::exchange e;
  e.method = "STEAL-ANNA";
  e.status = 503;
  auto s = described(e);
  EXPECT_EQ(s.name, "HTTP");
  EXPECT_TRUE(s.failed);
  EXPECT_EQ(attributes_of(s), (attributes{{"http.request.method", "_OTHER"},
                                          {"http.response.status_code", "503"},
                                          {"url.scheme", "http"},
                                          {"error.type", "503"}}));
}

run_finished planned() {
  run_finished run;
  run.held = {{{"user-1"}, {"m1"}}, {"token-1"}};
  run.attempt = 2;
  run.ended = run_end::planned;
  run.grant = "opened";
  run.tokens = 100;
  return run;
}

TEST(run_span, names_the_mission_and_a_group_of_users) {
  auto s = described(planned());
  EXPECT_EQ(s.name, "run");
  EXPECT_FALSE(s.failed);
  EXPECT_EQ(attributes_of(s), (attributes{{"mana.mission.id", "m1"},
                                          {"mana.user.group", "6"},
                                          {"mana.run.slot", "1970-01-01T00:00:00.000Z"},
                                          {"mana.run.attempt", "2"},
                                          {"mana.run.outcome", "planned"},
                                          {"mana.run.grant", "opened"},
                                          {"mana.run.tokens", "100"}}));
}

TEST(run_span, of_a_failure_has_its_code_and_not_its_detail) {
  auto run = planned();
  run.ended = run_end::retry;
  run.error = errc::llm_failed;
  run.detail = "secret of user-1";
  auto s = described(run);
  EXPECT_TRUE(s.failed);
  EXPECT_EQ(attributes_of(s)["error.type"], "llm_failed");
  auto text = tracing::to_otlp(s);
  for (auto word : {"secret", "user-1", "token-1"})
    EXPECT_EQ(text.find(word), std::string::npos) << word;
}

TEST(run_span, of_a_run_that_was_handed_back_is_no_failure) {
  auto run = planned();
  run.ended.reset();
  run.error = errc::shutting_down;
  auto s = described(run);
  EXPECT_FALSE(s.failed);
  EXPECT_EQ(attributes_of(s)["mana.run.outcome"], "cancelled");
}

TEST(stage_span, fails_with_its_stage) {
  auto good = described(ended_stage{"read", {}, 1ms, std::nullopt});
  EXPECT_EQ(good.name, "read");
  EXPECT_FALSE(good.failed);
  auto bad = described(ended_stage{"write", {}, 1ms, errc::lease_lost});
  EXPECT_TRUE(bad.failed);
  EXPECT_EQ(attributes_of(bad), (attributes{{"error.type", "lease_lost"}}));
}

TEST(attempt_span, says_where_and_what_it_cost) {
  llm_client_config config;
  config.endpoints = {{"https://user-hidden.example/v1", "key-1", "", "m"}, {"http://[::1]:81/base", "key-2", "", "n"}};
  auto names = llm_endpoints_of(config);
  ASSERT_EQ(names.size(), 2u);
  llm_attempt a;
  a.what = "ok";
  a.endpoint = 1;
  a.retry = 3;
  a.status = 200;
  a.prompt_tokens = 5;
  a.completion_tokens = 7;
  auto s = described(a, names[1]);
  EXPECT_EQ(s.name, "chat n");
  EXPECT_EQ(s.kind, span_kind::client);
  EXPECT_EQ(attributes_of(s), (attributes{{"gen_ai.operation.name", "chat"},
                                          {"gen_ai.request.model", "n"},
                                          {"server.address", "::1"},
                                          {"server.port", "81"},
                                          {"mana.llm.endpoint", "2"},
                                          {"http.request.method", "POST"},
                                          {"http.response.status_code", "200"},
                                          {"http.request.resend_count", "3"},
                                          {"gen_ai.usage.input_tokens", "5"},
                                          {"gen_ai.usage.output_tokens", "7"}}));
  a = {};
  a.error = errc::llm_timeout;
  s = described(a, names[0]);
  EXPECT_TRUE(s.failed);
  EXPECT_EQ(attributes_of(s)["error.type"], "llm_timeout");
  EXPECT_EQ(attributes_of(s)["server.port"], "443");
  EXPECT_EQ(attributes_of(s).count("http.response.status_code"), 0u);
}

} // namespace
