// What the runner's actors tell about their work, as metrics and log lines. The actors themselves
// know neither. All functions are thread-safe and never block.
#pragma once

#include "actors/change_listener/change_listener_actor.hpp"
#include "actors/database/database_actor.hpp"
#include "actors/llm_client/llm_client_config.hpp"
#include "actors/scheduler/scheduler_actor.hpp"
#include "actors/schema_keeper/schema_keeper_actor.hpp"
#include "actors/snapshot_refresher/snapshot_refresher_actor.hpp"
#include "infra/metrics/registry.hpp"

namespace mana {

database_observer observe_database(metrics::registry& r);
llm_observer observe_llm(metrics::registry& r);
listener_observer observe_listener();
// `wake` is called after snapshots changed.
refresher_observer observe_refresher(metrics::registry& r, std::function<void()> wake);
// One log line per run, with its stages; never text of the mission.
scheduler_observers observe_scheduler(metrics::registry& r);
// `publish` gets every status.
schema_observer observe_schema(std::function<void(const schema_status&)> publish);

} // namespace mana
