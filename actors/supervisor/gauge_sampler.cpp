#include "actors/supervisor/gauge_sampler.hpp"

#include "infra/metrics/series.hpp"
#include "infra/postgres/connection.hpp"

#include <chrono>
#include <memory>

namespace mana {

namespace {

constexpr auto interval = std::chrono::seconds{5};
constexpr auto llm_timeout = std::chrono::seconds{1};

std::any count_dirty(pg::connection& db) { return db.exec("SELECT mana_ai.dirty_count()")[0][0].as<std::int64_t>(); }

void show(const metrics::llm_metrics::endpoint_series& series, const llm_endpoint_status& s) {
  series.limit.Set(static_cast<double>(s.limit));
  series.in_flight.Set(static_cast<double>(s.in_flight));
  series.circuit.Set(static_cast<double>(s.circuit));
}

} // namespace

gauge_sampler_actor::behavior_type gauge_sampler(gauge_sampler_actor::pointer self, database_actor database,
                                                 llm_client_actor llm, metrics::registry* registry) {
  auto refresher = std::make_shared<metrics::refresher_metrics>(*registry);
  auto client = std::make_shared<metrics::llm_metrics>(*registry);
  self->set_default_handler(caf::drop);
  self->send(self, sample_gauges{});
  return {[=](sample_gauges) {
    self->request(database, caf::infinite, database_job{"dirty_count", count_dirty})
        .then([=](database_answer& a) { refresher->dirty_rows.Set(static_cast<double>(a.as<std::int64_t>())); },
              [](const caf::error&) {});
    self->request(llm, llm_timeout, get_llm_status{})
        .then(
            [=](const llm_status& s) {
              client->calls_in_flight.Set(static_cast<double>(s.in_flight));
              client->calls_waiting.Set(static_cast<double>(s.waiting));
              client->circuit_open.Set(s.circuit_open ? 1 : 0);
              for (std::size_t i = 0; i < s.endpoints.size(); ++i)
                show(client->endpoint(i), s.endpoints[i]);
            },
            [](const caf::error&) {});
    self->delayed_send(self, interval, sample_gauges{});
  }};
}

} // namespace mana
