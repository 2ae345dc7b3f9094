#include "actors/llm_client/chat_completion.hpp"
#include "actors/llm_client/llm_client_config.hpp"

#include "infra/json/value.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace mana {
namespace {

std::string request_text(const chat_options& options, std::string_view system, std::string_view user) {
  return std::string{completion_request(options, {sensitive_text{system}, sensitive_text{user}}).view()};
}

TEST(completion_request, has_the_shape_of_the_contract) {
  auto text = request_text({"gpt-x", 0.25, 512, false}, "Du bist", "say \"hi\"\n");
  EXPECT_EQ(text, R"({"model":"gpt-x","temperature":0.25,"max_tokens":512,"messages":[)"
                  R"({"role":"system","content":"Du bist"},{"role":"user","content":"say \"hi\"\n"}]})");
}

TEST(completion_request, asks_for_json_when_configured) {
  auto body = json::parse(request_text({"m", 1, 1, true}, "", ""));
  ASSERT_TRUE(body);
  ASSERT_NE(body->find("response_format"), nullptr);
  EXPECT_EQ(body->find("response_format")->text("type"), "json_object");
}

TEST(completion_request, a_conversation_keeps_its_order_and_what_it_asks_for_comes_first) {
  chat_prompt p;
  p.messages.push_back({chat_role::user, sensitive_text{"a"}});
  p.messages.push_back({chat_role::assistant, sensitive_text{"b"}});
  p.messages.push_back({chat_role::user, sensitive_text{"c"}});
  p.temperature = 0;
  p.max_tokens = 7;
  EXPECT_EQ(completion_request({"m", 0.25, 512, false}, p).view(),
            R"({"model":"m","temperature":0,"max_tokens":7,"messages":[{"role":"user","content":"a"},)"
            R"({"role":"assistant","content":"b"},{"role":"user","content":"c"}]})");
}

TEST(completion_request, stays_a_document_whatever_is_put_in) {
  auto text = request_text({"m\"", std::numeric_limits<double>::infinity(), 1, false}, "\xff\x01", "</data>\0x");
  EXPECT_TRUE(json::parse(text)) << text;
}

TEST(parse_completion, content_and_usage) {
  auto c = parse_completion(R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"{\"a\":1}"}},
    {"message":{"content":"second"}}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}})");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->content, R"({"a":1})");
  EXPECT_EQ(c->prompt_tokens, 12);
  EXPECT_EQ(c->completion_tokens, 34);
}

TEST(parse_completion, usage_may_be_absent_or_odd) {
  for (auto usage : {"null", "[]", "{}", R"({"prompt_tokens":"7"})", R"({"prompt_tokens":1e300})"}) {
    auto c = parse_completion(std::string{R"({"choices":[{"message":{"content":""}}],"usage":)"} + usage + "}");
    ASSERT_TRUE(c) << usage;
    EXPECT_EQ(c->prompt_tokens, 0) << usage;
    EXPECT_EQ(c->completion_tokens, 0) << usage;
  }
}

TEST(parse_completion, anything_else_is_invalid) {
  for (auto body :
       {"", "garbage", "[]", "{}", "null", "42", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[1]})",
        R"({"choices":[{}]})", R"({"choices":[{"message":{}}]})", R"({"choices":[{"message":{"content":null}}]})",
        R"({"choices":[{"message":{"content":7}}]})", R"({"choices":[{"message":{"content":"x"}})"}) {
    auto c = parse_completion(body);
    ASSERT_FALSE(c) << body;
    EXPECT_EQ(c.error().code, errc::llm_answer_invalid);
  }
}

TEST(completion_path, a_base_may_have_the_version_already) {
  EXPECT_EQ(completion_path(""), "/v1/chat/completions");
  EXPECT_EQ(completion_path("/llm"), "/v1/chat/completions");
  EXPECT_EQ(completion_path("/v1"), "/chat/completions");
  EXPECT_EQ(completion_path("/llm/v1"), "/chat/completions");
  EXPECT_EQ(completion_path("/llmv1"), "/v1/chat/completions");
}

TEST(llm_client_config, complains_about_everything_at_once) {
  llm_client_config good;
  good.endpoints = {{"https://llm.example/v1/", "", "", "m"}};
  auto at = check(good);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->front().base, "/v1");

  llm_client_config bad;
  bad.endpoints = {{"ftp://x", "two\r\nlines", "", ""}};
  bad.temperature = 3;
  bad.max_in_flight = 0;
  bad.total_timeout = std::chrono::milliseconds{0};
  bad.retry.max_attempts = 0;
  auto refused = check(bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::config_invalid);
  for (auto name : {"url", "api_key", "model", "temperature", "max_in_flight", "total_timeout", "max_attempts"})
    EXPECT_NE(refused.error().detail.find(name), std::string::npos) << name;
  EXPECT_EQ(refused.error().detail.find("lines"), std::string::npos);
}

} // namespace
} // namespace mana
