#include "actors/schema_keeper/schema_keeper_actor.hpp"

#include <chrono>

namespace mana {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_when_good = 30s;
constexpr auto pause_when_bad = 1s;

} // namespace

schema_keeper::schema_keeper(caf::actor_config& cfg, schema_keeper_config config, schema_observer observer)
  : schema_keeper_actor::base(cfg), config_(std::move(config)), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

schema_keeper::behavior_type schema_keeper::make_behavior() {
  send(this, keep_schema{});
  return {[this](keep_schema) { look(); }};
}

void schema_keeper::look() {
  if (!migrated_ && !config_.migration_url.empty()) {
    auto applied = pg::migrate(config_.migration_url, *config_.needs.migrations);
    migrated_ = static_cast<bool>(applied);
    applied ? observer_.migrated(*applied) : observer_.failed(applied.error());
  }
  auto findings = pg::attempt([this] {
    pg::connection db{config_.url};
    return config_.needs.inspect(db);
  });
  schema_status status;
  if (findings)
    status = status_of(*findings);
  else
    status.failing_because = findings.error().detail;
  observer_.looked(status);
  delayed_send(this, status.migrated ? std::chrono::milliseconds{pause_when_good} : pause_when_bad, keep_schema{});
}

} // namespace mana
