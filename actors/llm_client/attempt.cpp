#include "actors/llm_client/attempt.hpp"

namespace mana {

namespace {

attempt_report failed(attempt_class what, circuit_event for_circuit, errc code, std::string detail, bool retryable,
                      std::optional<std::chrono::seconds> retry_after = std::nullopt) {
  attempt_failure problem{{code, std::move(detail)}, retryable, retry_after};
  return {what, for_circuit, std::move(problem)};
}

attempt_report judge_success(const net::http_response& response) {
  auto parsed = parse_completion(response.body);
  if (parsed)
    return {attempt_class::ok, circuit_event::success, std::move(*parsed)};
  return failed(attempt_class::invalid, circuit_event::neutral, errc::llm_answer_invalid, parsed.error().detail, true);
}

attempt_report judge_status(const net::http_response& response, std::chrono::sys_seconds now) {
  auto detail = "status " + std::to_string(response.status);
  auto after = parse_retry_after(response.retry_after, now);
  if (response.status == 429)
    return failed(attempt_class::rate_limited, circuit_event::neutral, errc::llm_rate_limited, detail, true, after);
  if (response.status == 408)
    return failed(attempt_class::timeout, circuit_event::neutral, errc::llm_failed, detail, true, after);
  if (response.status >= 500)
    return failed(attempt_class::server_error, circuit_event::failure, errc::llm_failed, detail, true, after);
  return failed(attempt_class::refused_4xx, circuit_event::neutral, errc::llm_refused, detail, false);
}

} // namespace

std::string_view to_string(attempt_class c) noexcept {
  switch (c) {
    case attempt_class::ok: return "ok";
    case attempt_class::refused_4xx: return "refused_4xx";
    case attempt_class::rate_limited: return "rate_limited";
    case attempt_class::server_error: return "server_error";
    case attempt_class::timeout: return "timeout";
    case attempt_class::connect: return "connect";
    case attempt_class::transport: return "transport";
    case attempt_class::invalid: return "invalid";
    case attempt_class::too_large: return "too_large";
    case attempt_class::cancelled: return "cancelled";
  }
  return "invalid";
}

attempt_report judge(const net::http_response& response, std::chrono::sys_seconds now) {
  constexpr auto trouble = circuit_event::failure;
  switch (response.what) {
    case net::outcome::ok:
      return response.status >= 200 && response.status < 300 ? judge_success(response) : judge_status(response, now);
    case net::outcome::connect_timeout:
      return failed(attempt_class::connect, trouble, errc::llm_unreachable, "no connection within its deadline", true);
    case net::outcome::connect_failed:
      return failed(attempt_class::connect, trouble, errc::llm_unreachable, response.detail, true);
    case net::outcome::tls_failed: { // the same certificate would be refused again
      auto report = failed(attempt_class::connect, trouble, errc::llm_unreachable, response.detail, false);
      std::get<attempt_failure>(report.outcome).retryable_elsewhere = true;
      return report;
    }
    case net::outcome::first_byte_timeout:
      return failed(attempt_class::timeout, trouble, errc::llm_timeout, "first-byte deadline", true);
    case net::outcome::total_timeout:
      return failed(attempt_class::timeout, trouble, errc::llm_timeout, "total deadline", false);
    case net::outcome::transport_failed:
      return failed(attempt_class::transport, trouble, errc::llm_failed, response.detail, true);
    case net::outcome::too_large:
      return failed(attempt_class::too_large, circuit_event::neutral, errc::llm_answer_too_large,
                    "response above the size limit", false);
    case net::outcome::cancelled:
      return failed(attempt_class::cancelled, circuit_event::abandoned, errc::cancelled, {}, false);
  }
  return failed(attempt_class::invalid, circuit_event::neutral, errc::internal, "unknown outcome", false);
}

bool is_wasted(attempt_class c) noexcept {
  switch (c) {
    case attempt_class::rate_limited:
    case attempt_class::server_error:
    case attempt_class::timeout:
    case attempt_class::connect:
    case attempt_class::transport:
    case attempt_class::invalid: return true;
    case attempt_class::ok:
    case attempt_class::refused_4xx:
    case attempt_class::too_large:
    case attempt_class::cancelled: return false;
  }
  return false;
}

} // namespace mana
