// What the runner's actors tell about their work, as metrics, log lines and spans (run_spans.hpp). The actors
// themselves know neither. All functions are thread-safe and never block.
#pragma once

#include "actors/audit_writer/audit_writer_actor.hpp"
#include "actors/change_listener/change_listener_actor.hpp"
#include "actors/database/database_actor.hpp"
#include "actors/iteration_writer/iteration_writer_actor.hpp"
#include "actors/llm_client/llm_client_config.hpp"
#include "actors/llm_proxy/llm_proxy_actor.hpp"
#include "actors/maintenance/maintenance_actor.hpp"
#include "actors/planner/planner_actor.hpp"
#include "actors/scheduler/scheduler_actor.hpp"
#include "actors/schema_keeper/schema_keeper_actor.hpp"
#include "actors/snapshot_refresher/snapshot_refresher_actor.hpp"
#include "infra/metrics/registry.hpp"

#include <memory>

namespace mana {

// Troubles of several actors as log lines: `trouble` when one begins, changes, or has lasted for
// another minute (with `left_out`, the number of equal ones since), and `recovered`. Thread-safe.
class trouble_log {
public:
  trouble_log();
  ~trouble_log();
  void happened(std::string_view what, const failure& why);
  void ended(std::string_view what);
  // Like ended, without a line.
  void forget(std::string_view what);

private:
  struct shared;
  std::unique_ptr<shared> shared_;
};
using trouble_log_ptr = std::shared_ptr<trouble_log>;

audit_observer observe_audit(metrics::registry& r, trouble_log_ptr troubles);
maintenance_observer observe_maintenance(metrics::registry& r, trouble_log_ptr troubles);
database_observer observe_database(metrics::registry& r);
// Of a pool beside the main one: its jobs count alike, the depth of its queue does not.
database_observer observe_side_pool(metrics::registry& r);
// What an endpoint is in spans: its address, and the model that it is asked for.
llm_observer observe_llm(metrics::registry& r, const llm_client_config& config, const tracing::tracer& tracer);
llm_proxy_observer observe_llm_proxy(metrics::registry& r, trouble_log_ptr troubles);
planner_observer observe_planner(metrics::registry& r, const tracing::tracer& tracer);
write_observer observe_writer(trouble_log_ptr troubles);
listener_observer observe_listener(metrics::registry& r, trouble_log_ptr troubles);
// `wake` is called after snapshots changed.
refresher_observer observe_refresher(metrics::registry& r, trouble_log_ptr troubles, std::function<void()> wake);
// One log line per run, with its stages; never text of the mission.
scheduler_observers observe_scheduler(metrics::registry& r, trouble_log_ptr troubles,
                                      const tracing::tracer& tracer = {});
// `publish` gets every status.
schema_observer observe_schema(std::function<void(const schema_status&)> publish);

} // namespace mana
