#include "actors/otlp_client/export_verdict.hpp"

#include "actors/llm_client/retry_policy.hpp"
#include "infra/tracing/otlp_json.hpp"

namespace mana {

namespace {

bool is_retryable(unsigned status) { return status == 429 || status == 502 || status == 503 || status == 504; }

std::string reason_of(net::outcome what) {
  switch (what) {
    case net::outcome::ok: return {};
    case net::outcome::connect_timeout: return "no connection within its deadline";
    case net::outcome::connect_failed: return "no connection";
    case net::outcome::tls_failed: return "TLS failed";
    case net::outcome::first_byte_timeout:
    case net::outcome::total_timeout: return "no answer in time";
    case net::outcome::transport_failed: return "the connection broke, or the answer is not HTTP";
    case net::outcome::too_large: return "the answer is too large";
    case net::outcome::cancelled: return "cancelled";
  }
  return {};
}

} // namespace

export_answer judge_export(const net::http_response& response, std::chrono::sys_seconds now) {
  export_answer out;
  if (response.what != net::outcome::ok) {
    // A certificate may be another one in a moment, and spans are dropped in the end all the same.
    out.what = export_answer::verdict::retryable;
    out.detail = reason_of(response.what);
    if (!response.detail.empty())
      out.detail += ": " + response.detail;
  } else if (response.status >= 200 && response.status < 300) {
    out.rejected = tracing::rejected_spans(response.body);
  } else {
    out.what = is_retryable(response.status) ? export_answer::verdict::retryable : export_answer::verdict::refused;
    out.detail = "status " + std::to_string(response.status);
    if (is_retryable(response.status))
      out.retry_after = parse_retry_after(response.retry_after, now);
  }
  return out;
}

} // namespace mana
