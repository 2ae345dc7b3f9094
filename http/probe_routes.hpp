// What every process that serves actors answers (contract, section 5), whatever its targets:
//
//   GET  /health    200, the process lives; `{"ok":true,"service":"mana-ai","version"}` and what the
//                   targets add
//   GET  /ready     200, or 503 `{"ready":false,"failing":[{"part","reason"}],"warnings":[]}`
//   GET  /metrics   Prometheus text
#pragma once

#include "http/server/router.hpp"
#include "infra/json/value.hpp"
#include "infra/metrics/registry.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mana::http {

struct failing_part {
  std::string part; // a word that names it, such as `database`
  std::string reason;
  friend bool operator==(const failing_part&, const failing_part&) = default;
};

struct readiness {
  std::vector<failing_part> failing; // none: ready
  std::vector<std::string> warnings;
};

// How long a target may wait for one of its actors: probes must answer within a second, also when
// the five actors that they ask in all do not. (Auth and sync ask one twice, but only one that answered.)
inline constexpr std::chrono::milliseconds probe_timeout{190};

// One target's part of the answers. Called on the server's loop.
struct probed_target {
  std::function<boost::asio::awaitable<json::object>()> health; // further members of /health; may be empty
  std::function<boost::asio::awaitable<readiness>()> ready;
};

// Of a target that has all it needs once it has started.
probed_target always_ready();

void add_probe_routes(router& r, std::vector<probed_target> targets, const metrics::registry& metrics,
                      std::string version);

} // namespace mana::http
