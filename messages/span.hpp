// Spans of traces, in OpenTelemetry's terms: what travels with a request, a run and a call to the LLM, and what is told
// of a span that has ended. Values only; infra/tracing makes them. A context travels in messages, never by thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mana {

// All zeros: there is none.
struct trace_id {
  std::array<std::uint8_t, 16> bytes{};
  bool valid() const noexcept { return *this != trace_id{}; }
  friend bool operator==(const trace_id&, const trace_id&) = default;
};
struct span_id {
  std::array<std::uint8_t, 8> bytes{};
  bool valid() const noexcept { return *this != span_id{}; }
  friend bool operator==(const span_id&, const span_id&) = default;
};

// Lower case, as in headers, logs and exports.
std::array<char, 32> to_hex(const trace_id& id) noexcept;
std::array<char, 16> to_hex(const span_id& id) noexcept;

// Where in which trace: what a child needs to know of its parent.
struct span_context {
  trace_id trace;
  span_id span;
  bool sampled = false; // decided once for the whole trace, by its root
  bool valid() const noexcept { return trace.valid() && span.valid(); }
  friend bool operator==(const span_context&, const span_context&) = default;
};

using unix_time = std::chrono::sys_time<std::chrono::nanoseconds>;

// A span under way. The times are there only where it will be exported.
struct started_span {
  span_context context;
  span_id parent;
  bool parent_is_remote = false; // it came with a request
  unix_time start;
  std::chrono::steady_clock::time_point begun;
};

using attribute_value = std::variant<std::string, std::int64_t>;
using attribute = std::pair<std::string_view, attribute_value>; // names are literals

enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 }; // the numbers of OTLP

// A span that ended. Names and attributes say what the service did, never with what: no title, text, key, prompt,
// answer, token, header or user; missions by their id, as in the log.
struct ended_span {
  started_span started;
  unix_time end;
  std::string name;
  span_kind kind = span_kind::internal;
  bool failed = false;
  std::vector<attribute> attributes;
};

} // namespace mana
