// The body of a request to a collector: an ExportTraceServiceRequest of OTLP 1.x in its JSON form
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hex, enumerations as numbers, numbers of
// 64 bits as text. Pure.
#pragma once

#include "messages/result.hpp"
#include "messages/span.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mana::tracing {

// Who the spans are of: the same for all of a process.
struct resource {
  std::string service_name;
  std::string service_version;
  std::string service_instance_id;
};

// One span, as an element of `spans`.
std::string to_otlp(const ended_span& s);

// The text around spans.
struct otlp_frame {
  std::string before;
  std::string after;
};
otlp_frame otlp_frame_of(const resource& r);
// The whole body.
std::string otlp_body(const otlp_frame& frame, std::span<const std::string_view> spans);

// Of an answer with status 200: how many spans the collector did not take. 0 for what is no such answer, too.
std::size_t rejected_spans(std::string_view answer);

// OTEL_EXPORTER_OTLP_HEADERS: `name=value` separated by commas, values percent-encoded. config_invalid; the detail
// repeats none of it, since values are keys.
result<std::vector<std::pair<std::string, std::string>>> parse_otlp_headers(std::string_view text);

} // namespace mana::tracing
