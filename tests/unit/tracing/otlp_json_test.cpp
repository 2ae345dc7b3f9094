#include "infra/tracing/otlp_json.hpp"

#include "infra/json/value.hpp"
#include "infra/tracing/trace_context.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace mana;
using namespace mana::tracing;

namespace {

ended_span example() {
  auto context = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ended_span s;
  s.started.context = *context;
  s.started.start = unix_time{1'544'712'660'000'000'001ns};
  s.end = s.started.start + 1s;
  s.name = "GET /health";
  s.kind = span_kind::server;
  return s;
}

TEST(otlp_json, of_a_span_has_hex_ids_and_64_bits_as_text) {
  auto s = example();
  s.started.parent.bytes[7] = 0xAB;
  s.started.parent_is_remote = true;
  s.attributes.emplace_back("http.route", "/health");
  s.attributes.emplace_back("http.response.status_code", std::int64_t{503});
  s.failed = true;
  EXPECT_EQ(to_otlp(s), R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",)"
                        R"("parentSpanId":"00000000000000ab","flags":769,"name":"GET /health","kind":2,)"
                        R"("startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"1544712661000000001",)"
                        R"("attributes":[{"key":"http.route","value":{"stringValue":"/health"}},)"
                        R"({"key":"http.response.status_code","value":{"intValue":"503"}}],"status":{"code":2}})");
}

TEST(otlp_json, of_a_root_has_no_parent_and_of_a_success_no_status) {
  EXPECT_EQ(to_otlp(example()),
            R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":257,)"
            R"("name":"GET /health","kind":2,"startTimeUnixNano":"1544712660000000001",)"
            R"("endTimeUnixNano":"1544712661000000001","attributes":[]})");
}

TEST(otlp_json, body_is_one_document_whatever_the_names_hold) {
  auto s = example();
  s.name = "\"}]\xFF\n";
  auto frame = otlp_frame_of({"my \"service\"", "0.1.0", "replica-1"});
  auto one = to_otlp(s);
  const std::string_view spans[] = {one, one};
  auto body = json::parse(otlp_body(frame, spans));
  ASSERT_TRUE(body);
  auto& of_resource = body->find("resourceSpans")->as_array()->front();
  auto& attributes = *of_resource.find("resource")->find("attributes")->as_array();
  ASSERT_EQ(attributes.size(), 3u);
  EXPECT_EQ(attributes[0].text("key"), "service.name");
  EXPECT_EQ(attributes[0].find("value")->text("stringValue"), "my \"service\"");
  EXPECT_EQ(attributes[2].find("value")->text("stringValue"), "replica-1");
  auto& of_scope = of_resource.find("scopeSpans")->as_array()->front();
  EXPECT_EQ(of_scope.find("scope")->text("name"), "mana-ai");
  EXPECT_EQ(of_scope.find("spans")->as_array()->size(), 2u);
  EXPECT_EQ(of_scope.find("spans")->as_array()->front().text("name"), "\"}]\xEF\xBF\xBD\n");
}

TEST(otlp_answer, may_say_that_some_spans_were_not_taken) {
  EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}})"), 3u);
  EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":2}})"), 2u);
  for (auto text : {"", "{}", "garbage", "[1]", R"({"partialSuccess":{}})", R"({"partialSuccess":null})",
                    R"({"partialSuccess":{"rejectedSpans":"-1"}})", R"({"partialSuccess":{"rejectedSpans":"x"}})"})
    EXPECT_EQ(rejected_spans(text), 0u) << text;
}

TEST(otlp_headers, are_a_list_with_encoded_values) {
  auto h = parse_otlp_headers("Authorization=Basic%20QWxh, x-tenant = 7,,api-key=a=b");
  ASSERT_TRUE(h);
  using list = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(*h, (list{{"Authorization", "Basic QWxh"}, {"x-tenant", "7"}, {"api-key", "a=b"}}));
  EXPECT_TRUE(parse_otlp_headers("")->empty());
}

TEST(otlp_headers, that_are_wrong_are_refused_without_a_word_of_them) {
  for (auto text : {"secret", "=secret", "a b=secret", "a=", "a=%0d%0aX: secret", "a=%zz", "a=%2", "a=\xC3\xA4", "a:=x",
                    "a=%", "a=secret,b"}) {
    auto h = parse_otlp_headers(text);
    ASSERT_FALSE(h) << text;
    EXPECT_EQ(h.error().code, errc::config_invalid);
    EXPECT_EQ(h.error().detail.find("secret"), std::string::npos);
  }
}

} // namespace
