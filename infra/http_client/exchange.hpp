// One HTTP exchange as values: what is asked, what came back, and how it can fail.
#pragma once

#include "messages/sensitive_text.hpp"
#include "messages/span.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace mana::net {

enum class outcome : std::uint8_t {
  ok,                 // a complete response, whatever its status
  connect_timeout,    // resolve, connect and TLS handshake took too long
  connect_failed,     // no address, refused, or broken before the connection stood
  tls_failed,         // the peer is not who it should be, or speaks no TLS that we accept
  first_byte_timeout, // connected, but no answer began in time
  total_timeout,      // the total deadline, in whatever phase
  transport_failed,   // the connection broke, or what came is not HTTP
  too_large,          // header or body above the limit
  cancelled
};

struct http_request {
  enum class verb : std::uint8_t { get, post };
  verb method = verb::get;
  std::string target;       // appended to the origin's base; begins with a slash
  std::string content_type; // none when empty
  span_context trace;       // sent as `traceparent` when it is valid
  std::string trace_state;  // sent as `tracestate` beside it; clean, see tracing::usable_tracestate
  // Makes the body at the moment of sending, so that a call that waits for its answer holds no copy
  // of it; called again for a resend.
  std::function<sensitive_text()> body;
  std::chrono::steady_clock::time_point total_deadline = std::chrono::steady_clock::time_point::max();
};

struct http_response {
  outcome what = outcome::ok;
  unsigned status = 0;
  std::string body;
  std::string retry_after; // the header as sent, at most 64 characters; empty when absent
  std::string detail;      // why it failed; never text of the peer's
  unsigned requests = 0;   // how often it was sent: 0 without a connection, 2 after a resend
};

} // namespace mana::net
