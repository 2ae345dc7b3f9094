#include "actors/maintenance/maintenance_actor.hpp"

namespace mana {

maintenance::maintenance(caf::actor_config& cfg, database_actor database, maintenance_config config,
                         std::function<double()> random, maintenance_observer observer)
  : maintenance_actor::base(cfg), database_(std::move(database)), config_(config), random_(std::move(random)),
    observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

maintenance::behavior_type maintenance::make_behavior() {
  send(this, maintenance_due{});
  return {[this](maintenance_due) { work(); }};
}

void maintenance::work() {
  database_job job{"maintain_tables", [keep = config_.audit_retention](pg::connection& db) -> std::any {
                     return maintain_tables(db, keep);
                   }};
  request(database_, caf::infinite, std::move(job))
      .then(
          [this](database_answer& a) {
            observer_.done(a.as<maintained>());
            again_after(config_.interval);
          },
          [this](caf::error& e) {
            observer_.failed(to_failure(e));
            again_after(config_.retry);
          });
}

void maintenance::again_after(std::chrono::milliseconds pause) {
  auto jitter = random_() * static_cast<double>(pause.count()) / 10;
  delayed_send(this, pause + std::chrono::milliseconds{static_cast<std::int64_t>(jitter)}, maintenance_due{});
}

} // namespace mana
