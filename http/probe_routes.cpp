#include "http/probe_routes.hpp"

#include <memory>

namespace mana::http {

using boost::asio::awaitable;

namespace {

using targets_ptr = std::shared_ptr<const std::vector<probed_target>>;

awaitable<response> health(targets_ptr targets, std::string version) {
  json::object body{{"ok", true}, {"service", "mana-ai"}, {"version", version}};
  for (auto& t : *targets) {
    if (!t.health)
      continue;
    auto members = co_await t.health();
    for (auto& [name, value] : members)
      body.set(name, std::move(value));
  }
  response out;
  out.body = json::to_text(std::move(body));
  co_return out;
}

awaitable<response> ready(targets_ptr targets) {
  json::array failing;
  json::array warnings;
  for (auto& t : *targets) {
    auto found = co_await t.ready();
    for (auto& p : found.failing)
      failing.emplace_back(json::object{{"part", p.part}, {"reason", p.reason}});
    for (auto& w : found.warnings)
      warnings.emplace_back(w);
  }
  response out;
  bool is_ready = failing.empty();
  out.status = is_ready ? 200 : 503;
  out.body = json::to_text(
      json::object{{"ready", is_ready}, {"failing", std::move(failing)}, {"warnings", std::move(warnings)}});
  co_return out;
}

awaitable<response> metrics_text(const metrics::registry* metrics) {
  response out;
  out.content_type = metrics::text_content_type;
  out.body = metrics->text();
  co_return out;
}

} // namespace

probed_target always_ready() {
  probed_target out;
  out.ready = []() -> awaitable<readiness> { co_return readiness{}; };
  return out;
}

void add_probe_routes(router& r, std::vector<probed_target> targets, const metrics::registry& metrics,
                      std::string version) {
  auto shared = std::make_shared<const std::vector<probed_target>>(std::move(targets));
  r.add("GET", "/health", [shared, version](request) { return health(shared, version); });
  r.add("GET", "/ready", [shared](request) { return ready(shared); });
  r.add("GET", "/metrics", [m = &metrics](request) { return metrics_text(m); });
}

} // namespace mana::http
