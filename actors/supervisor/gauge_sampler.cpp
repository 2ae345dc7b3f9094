#include "actors/supervisor/gauge_sampler.hpp"

#include "infra/metrics/series.hpp"
#include "infra/postgres/connection.hpp"

#include <chrono>
#include <memory>

namespace mana {

namespace {

constexpr auto interval = std::chrono::seconds{5};
constexpr auto llm_timeout = std::chrono::seconds{1};

struct row_counts {
  double dirty = 0;
  double quarantined = 0;
  double held_users = 0;
};

std::any count_rows(pg::connection& db) {
  auto row = db.exec("SELECT mana_ai.dirty_count(), mana_ai.quarantined_count(), mana_ai.held_user_count()")[0];
  return row_counts{row[0].as<double>(), row[1].as<double>(), row[2].as<double>()};
}

void show(const metrics::llm_metrics::endpoint_series& series, const llm_endpoint_status& s) {
  series.limit.Set(static_cast<double>(s.limit));
  series.in_flight.Set(static_cast<double>(s.in_flight));
  series.circuit.Set(static_cast<double>(s.circuit));
}

} // namespace

gauge_sampler_actor::behavior_type gauge_sampler(gauge_sampler_actor::pointer self, database_actor database,
                                                 llm_client_actor llm, metrics::registry* registry) {
  auto refresher = std::make_shared<metrics::refresher_metrics>(*registry);
  auto quarantine = std::make_shared<metrics::quarantine_metrics>(*registry);
  auto scheduler = std::make_shared<metrics::scheduler_metrics>(*registry);
  auto client = std::make_shared<metrics::llm_metrics>(*registry);
  self->set_default_handler(caf::drop);
  self->send(self, sample_gauges{});
  return {[=](sample_gauges) {
    self->request(database, caf::infinite, database_job{"count_rows", count_rows})
        .then(
            [=](database_answer& a) {
              auto counts = a.as<row_counts>();
              refresher->dirty_rows.Set(counts.dirty);
              quarantine->missions.Set(counts.quarantined);
              scheduler->users_over_budget.Set(counts.held_users);
            },
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
