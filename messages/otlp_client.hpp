// otlp_client: one request to a collector of traces (OTLP/HTTP with JSON). It owns the deadline, so a requester waits
// without one of its own; when to try again is the requester's to decide.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mana {

struct export_spans {
  std::shared_ptr<const std::string> body; // an ExportTraceServiceRequest
};

struct export_answer {
  enum class verdict : std::uint8_t {
    accepted,
    retryable, // 429, 502, 503, 504, or no answer
    refused    // any other status: the same request would be refused again
  };
  verdict what = verdict::accepted;
  std::size_t rejected = 0;                             // accepted: spans of it that the collector did not take
  std::optional<std::chrono::milliseconds> retry_after; // retryable: what the collector asked for
  std::string detail;                                   // why it was not accepted; never text of the collector's
};

using otlp_client_actor = caf::typed_actor<
    // cancelled when the client stops.
    caf::replies_to<export_spans>::with<export_answer>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::export_spans)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::export_answer)
