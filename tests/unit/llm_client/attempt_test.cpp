#include "actors/llm_client/attempt.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;
using net::outcome;

net::http_response with(outcome what) {
  net::http_response r;
  r.what = what;
  r.detail = "why";
  return r;
}
net::http_response with(unsigned status, std::string body = {}, std::string retry_after = {}) {
  net::http_response r;
  r.status = status;
  r.body = std::move(body);
  r.retry_after = std::move(retry_after);
  return r;
}
attempt_failure problem(const attempt_report& r) {
  const auto* p = std::get_if<attempt_failure>(&r.outcome);
  return p != nullptr ? *p : attempt_failure{};
}

const std::chrono::sys_seconds now{1'700'000'000s};

TEST(attempt, a_completion) {
  auto r = judge(with(200, R"({"choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":7}})"), now);
  EXPECT_EQ(r.what, attempt_class::ok);
  EXPECT_EQ(r.for_circuit, circuit_event::success);
  ASSERT_TRUE(std::holds_alternative<completion>(r.outcome));
  EXPECT_EQ(std::get<completion>(r.outcome).content, "hello");
}

TEST(attempt, every_outcome_has_its_class_code_and_effect) {
  struct {
    net::http_response response;
    attempt_class what;
    circuit_event circuit;
    errc code;
    bool retryable;
  } cases[] = {
      {with(200, "garbage"), attempt_class::invalid, circuit_event::neutral, errc::llm_answer_invalid, true},
      {with(204), attempt_class::invalid, circuit_event::neutral, errc::llm_answer_invalid, true},
      {with(101), attempt_class::refused_4xx, circuit_event::neutral, errc::llm_refused, false},
      {with(301), attempt_class::refused_4xx, circuit_event::neutral, errc::llm_refused, false},
      {with(400), attempt_class::refused_4xx, circuit_event::neutral, errc::llm_refused, false},
      {with(401), attempt_class::refused_4xx, circuit_event::neutral, errc::llm_refused, false},
      {with(404), attempt_class::refused_4xx, circuit_event::neutral, errc::llm_refused, false},
      {with(408), attempt_class::timeout, circuit_event::neutral, errc::llm_failed, true},
      {with(429), attempt_class::rate_limited, circuit_event::neutral, errc::llm_rate_limited, true},
      {with(500), attempt_class::server_error, circuit_event::failure, errc::llm_failed, true},
      {with(503), attempt_class::server_error, circuit_event::failure, errc::llm_failed, true},
      {with(outcome::connect_timeout), attempt_class::connect, circuit_event::failure, errc::llm_unreachable, true},
      {with(outcome::connect_failed), attempt_class::connect, circuit_event::failure, errc::llm_unreachable, true},
      {with(outcome::tls_failed), attempt_class::connect, circuit_event::failure, errc::llm_unreachable, false},
      {with(outcome::first_byte_timeout), attempt_class::timeout, circuit_event::failure, errc::llm_timeout, true},
      {with(outcome::total_timeout), attempt_class::timeout, circuit_event::failure, errc::llm_timeout, false},
      {with(outcome::transport_failed), attempt_class::transport, circuit_event::failure, errc::llm_failed, true},
      {with(outcome::too_large), attempt_class::too_large, circuit_event::neutral, errc::llm_answer_too_large, false},
      {with(outcome::cancelled), attempt_class::cancelled, circuit_event::abandoned, errc::cancelled, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::to_string(c.response.status) + " " + std::string{to_string(c.what)});
    auto r = judge(c.response, now);
    EXPECT_EQ(r.what, c.what);
    EXPECT_EQ(r.for_circuit, c.circuit);
    ASSERT_TRUE(std::holds_alternative<attempt_failure>(r.outcome));
    EXPECT_EQ(problem(r).why.code, c.code);
    EXPECT_EQ(problem(r).retryable, c.retryable);
  }
}

TEST(attempt, the_detail_has_the_status_and_never_the_body) {
  auto secret = R"({"error":"prompt was: secret"})";
  for (unsigned status : {400u, 429u, 500u})
    EXPECT_EQ(problem(judge(with(status, secret), now)).why.detail, "status " + std::to_string(status));
  EXPECT_EQ(problem(judge(with(200, secret), now)).why.detail, "choices: missing or empty");
}

TEST(attempt, retry_after_belongs_to_what_is_retried) {
  EXPECT_EQ(problem(judge(with(429, {}, "9"), now)).retry_after, 9s);
  EXPECT_EQ(problem(judge(with(503, {}, "9"), now)).retry_after, 9s);
  EXPECT_EQ(problem(judge(with(408, {}, "9"), now)).retry_after, 9s);
  EXPECT_EQ(problem(judge(with(403, {}, "9"), now)).retry_after, std::nullopt);
  EXPECT_EQ(problem(judge(with(429, {}, "later"), now)).retry_after, std::nullopt);
}

} // namespace
} // namespace mana
