#include "http/server/observe.hpp"

#include "infra/log/log.hpp"

#include <algorithm>
#include <array>

namespace mana::http {

namespace {

// The methods that OpenTelemetry knows; others are a client's free text.
bool is_known_method(std::string_view method) {
  constexpr std::array<std::string_view, 9> known{"GET",    "HEAD",    "POST",  "PUT",    "PATCH",
                                                  "DELETE", "OPTIONS", "TRACE", "CONNECT"};
  return std::find(known.begin(), known.end(), method) != known.end();
}

} // namespace

void describe(const exchange& e, ended_span& out) {
  bool known = is_known_method(e.method);
  out.kind = span_kind::server;
  out.name = known ? e.method : "HTTP";
  if (!e.route.empty())
    (out.name += ' ') += e.route;
  out.attributes.emplace_back("http.request.method", known ? e.method : "_OTHER");
  if (!e.route.empty())
    out.attributes.emplace_back("http.route", e.route);
  out.attributes.emplace_back("http.response.status_code", static_cast<std::int64_t>(e.status));
  out.attributes.emplace_back("url.scheme", "http"); // TLS ends before the service
  out.failed = e.status >= 500;
  if (out.failed)
    out.attributes.emplace_back("error.type", std::to_string(e.status));
}

std::function<void(const exchange&)> observe_into(std::shared_ptr<metrics::http_metrics> m, tracing::tracer tracer) {
  return [m = std::move(m), tracer = std::move(tracer)](const exchange& e) {
    m->record(e.method, e.route, e.status, e.duration);
    auto& c = e.span.context;
    log::debug("request", {{"method", is_known_method(e.method) ? std::string_view{e.method} : "_OTHER"},
                           {"route", e.route},
                           {"status", e.status},
                           {"took", e.duration},
                           {"trace_id", c.trace},
                           {"span_id", c.span}});
    tracer.end(e.span, e.duration, [&](ended_span& out) { describe(e, out); });
  };
}

} // namespace mana::http
