#include "http/chat_request.hpp"

#include "infra/json/value.hpp"

#include <gtest/gtest.h>

namespace mana::http {
namespace {

const std::string one_message = R"({"messages":[{"role":"user","content":"hi"}]})";

result<std::shared_ptr<const chat_prompt>> take(std::string body, chat_rules rules = {}) {
  return take_chat_request(body, rules);
}

std::string problem(const std::string& body) {
  auto r = take(body);
  if (r)
    return "none";
  EXPECT_EQ(r.error().code, errc::bad_request) << body;
  return r.error().detail;
}

TEST(chat_request, a_conversation) {
  auto r = take(R"( {"messages":[{"role":"system","content":"Du bist"},{"content":"a\n\u00e4\"","role":"user"},)"
                R"({"role":"assistant","content":"b"}],"temperature":0.5,"max_tokens":100} )");
  ASSERT_TRUE(r) << r.error().detail;
  auto& p = **r;
  ASSERT_EQ(p.messages.size(), 3u);
  EXPECT_EQ(p.messages[0].role, chat_role::system);
  EXPECT_EQ(p.messages[1].content.view(), "a\nä\"");
  EXPECT_EQ(p.messages[2].role, chat_role::assistant);
  EXPECT_EQ(p.temperature, 0.5);
  EXPECT_EQ(p.max_tokens, 100);
}

TEST(chat_request, what_is_not_asked_for_is_as_configured) {
  auto r = take(one_message);
  ASSERT_TRUE(r);
  EXPECT_FALSE((*r)->temperature);
  EXPECT_FALSE((*r)->max_tokens);
}

TEST(chat_request, a_longer_answer_than_is_allowed_is_cut_to_that) {
  for (auto* n : {"2001", "1e9", "99999999999999999999"}) {
    auto r = take(R"({"max_tokens":)" + std::string{n} + R"(,"messages":[{"role":"user","content":"hi"}]})");
    ASSERT_TRUE(r) << n;
    EXPECT_EQ((*r)->max_tokens, 2000) << n;
  }
}

TEST(chat_request, the_body_is_overwritten) {
  std::string body = one_message;
  ASSERT_TRUE(take_chat_request(body, {}));
  EXPECT_EQ(body.find("hi"), body.npos);
  std::string large(300 * 1024, 'x');
  EXPECT_FALSE(take_chat_request(large, {}));
  EXPECT_EQ(large.find('x'), large.npos);
}

TEST(chat_request, names_the_field_that_is_wrong) {
  auto with = [](const std::string& member) {
    return "{" + member + R"(,"messages":[{"role":"user","content":"hi"}]})";
  };
  auto message = [](const std::string& m) { return R"({"messages":[{"role":"user","content":"hi"},)" + m + "]}"; };
  for (auto& [body, says] : std::vector<std::pair<std::string, std::string>>{
           {"", "the body is not JSON"},
           {one_message + "x", "the body is not JSON"},
           {one_message + std::string(1, '\0'), "the body is not JSON"},
           {R"({"messages":[{"role":"user","content":")" + std::string{"\xff"} + R"("}]})", "the body is not JSON"},
           {"[]", "the body: must be an object"},
           {"null", "the body: must be an object"},
           {"7", "the body: must be an object"},
           {"\"x\"", "the body: must be an object"},
           {"{}", "messages: is missing"},
           {R"({"messages":[]})", "messages: must not be empty"},
           {R"({"messages":{}})", "messages: must be a list"},
           {R"({"messages":"x"})", "messages: must be a list"},
           {R"({"messages":1})", "messages: must be a list"},
           {R"({"messages":null})", "messages: must be a list"},
           {R"({"messages":[7]})", "messages[0]: must be an object"},
           {R"({"messages":[[]]})", "messages[0]: must be an object"},
           {message("true"), "messages[1]: must be an object"},
           {message("{}"), "messages[1].role: is missing"},
           {message(R"({"role":"user"})"), "messages[1].content: is missing"},
           {message(R"({"content":"x"})"), "messages[1].role: is missing"},
           {message(R"({"role":"tool","content":"x"})"), "messages[1].role: must be system, user or assistant"},
           {message(R"({"role":1,"content":"x"})"), "messages[1].role: must be a text"},
           {message(R"({"role":"user","content":[]})"), "messages[1].content: must be a text"},
           {message(R"({"role":"user","content":{"a":1}})"), "messages[1].content: must be a text"},
           {message(R"({"role":"user","content":null})"), "messages[1].content: must be a text"},
           {message(R"({"role":"user","content":""})"), "messages[1].content: must not be empty"},
           {message(R"({"role":"user","content":"x","name":"n"})"), "messages[1].name: is not known here"},
           {message(R"({"role":"user","content":"x","role":"user"})"), "messages[1].role: is there twice"},
           {with(R"("model":"m")"), "model: is not known here"},
           {with(R"("stream":true)"), "stream: is not known here"},
           {with(R"("temperature":-0.1)"), "temperature: must be a number from 0 to 2"},
           {with(R"("temperature":2.1)"), "temperature: must be a number from 0 to 2"},
           {with(R"("temperature":1e999)"), "the body is not JSON"}, // no double
           {with(R"("temperature":"1")"), "temperature: must be a number"},
           {with(R"("temperature":null)"), "temperature: must be a number"},
           {with(R"("temperature":{})"), "temperature: must be a number"},
           {with(R"("temperature":1,"temperature":1)"), "temperature: is there twice"},
           {with(R"("max_tokens":0)"), "max_tokens: must be a whole number above 0"},
           {with(R"("max_tokens":1.5)"), "max_tokens: must be a whole number above 0"},
           {with(R"("messages":[{"role":"user","content":"x"}])"), "messages: is there twice"}})
    EXPECT_EQ(problem(body), says) << body;
}

TEST(chat_request, limits_size_and_count) {
  std::string many = R"({"messages":[)";
  for (int i = 0; i < 65; ++i)
    many += std::string{i > 0 ? "," : ""} + R"({"role":"user","content":"x"})";
  EXPECT_EQ(problem(many + "]}"), "messages: has more than 64 of them");
  auto r = take(std::string(256 * 1024 + 1, ' '));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::limit_exceeded);
}

TEST(chat_request, a_failure_quotes_no_text) {
  auto said = problem(R"({"messages":[{"role":"geheim","content":"geheim"}]})")
              + problem(R"({"messages":[{"role":"user","content":"geheim)") + problem(R"({"messages":"geheim"})");
  EXPECT_EQ(said.find("geheim"), said.npos);
}

TEST(chat_answer, has_the_shape_of_the_api_and_is_overwritten) {
  chat_answer a;
  a.content = "say \"hi\"\n";
  EXPECT_EQ(take_chat_answer(a).view(), R"({"choices":[{"index":0,"message":{"role":"assistant",)"
                                        R"("content":"say \"hi\"\n"},"finish_reason":"stop"}]})");
  EXPECT_EQ(a.content.find("hi"), a.content.npos);
  a.content = "x";
  a.prompt_tokens = 3;
  a.completion_tokens = 4;
  auto document = json::parse(take_chat_answer(a).view());
  ASSERT_TRUE(document);
  EXPECT_EQ(document->find("usage")->find("total_tokens")->as_integer(), 7);
}

} // namespace
} // namespace mana::http
