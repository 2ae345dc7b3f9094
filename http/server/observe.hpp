// Feeds the HTTP series of /metrics from a server's exchanges.
#pragma once

#include "http/server/server.hpp"
#include "infra/metrics/series.hpp"

#include <memory>

namespace mana::http {

inline std::function<void(const exchange&)> observe_into(std::shared_ptr<metrics::http_metrics> m) {
  return [m](const exchange& e) { m->record(e.method, e.route, e.status, e.duration); };
}

} // namespace mana::http
