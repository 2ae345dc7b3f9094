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

std::any count_held_users(pg::connection& db) {
  return db.exec("SELECT mana_ai.held_user_count()")[0][0].as<std::int64_t>();
}

} // namespace

gauge_sampler_actor::behavior_type gauge_sampler(gauge_sampler_actor::pointer self, database_actor database,
                                                 llm_client_actor llm, metrics::registry* registry) {
  auto refresher = std::make_shared<metrics::refresher_metrics>(*registry);
  auto scheduler = std::make_shared<metrics::scheduler_metrics>(*registry);
  auto client = std::make_shared<metrics::llm_metrics>(*registry);
  self->set_default_handler(caf::drop);
  self->send(self, sample_gauges{});
  return {[=](sample_gauges) {
    self->request(database, caf::infinite, database_job{"dirty_count", count_dirty})
        .then([=](database_answer& a) { refresher->dirty_rows.Set(static_cast<double>(a.as<std::int64_t>())); },
              [](const caf::error&) {});
    self->request(database, caf::infinite, database_job{"held_users", count_held_users})
        .then([=](database_answer& a) { scheduler->users_over_budget.Set(static_cast<double>(a.as<std::int64_t>())); },
              [](const caf::error&) {});
    self->request(llm, llm_timeout, get_llm_status{})
        .then(
            [=](const llm_status& s) {
              client->calls_in_flight.Set(static_cast<double>(s.in_flight));
              client->calls_waiting.Set(static_cast<double>(s.waiting));
              client->circuit_open.Set(s.circuit_open ? 1 : 0);
            },
            [](const caf::error&) {});
    self->delayed_send(self, interval, sample_gauges{});
  }};
}

} // namespace mana
