// Feeds the HTTP series of /metrics, the log and the spans of requests from a server's exchanges.
#pragma once

#include "http/server/server.hpp"
#include "infra/metrics/series.hpp"

#include <memory>

namespace mana::http {

// `tracer`: that of the server's configuration.
std::function<void(const exchange&)> observe_into(std::shared_ptr<metrics::http_metrics> m, tracing::tracer tracer);

// What is told of a request: method and pattern of the route, never the path, a query, a header or a body. Pure.
void describe(const exchange& e, ended_span& out);

} // namespace mana::http
