// The runner's routes (contract, section 5):
//
//   POST /internal/tick                service key; the report of that tick, when it is done
//   GET  /internal/missions/{userId}   service key; `{"now","missions":[…]}`, see missions_json()
#pragma once

#include "http/probe_routes.hpp"
#include "http/server/router.hpp"
#include "infra/config/secret_text.hpp"
#include "infra/json/value.hpp"
#include "messages/mission_directory.hpp"
#include "messages/runner_handles.hpp"
#include "messages/schema_keeper.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mana::http {

// The functions are called on the server's loop, must not block, and live as long as the loop runs:
// they hand out what is current, so that restarted actors are reached and no handle outlives the
// actor system.
struct runner_front {
  caf::actor_system* system = nullptr;
  std::function<runner_handles()> handles;
  std::function<schema_status()> schema;
  config::secret_text service_key; // empty: nobody gets in
  bool tick_enabled = true;
  std::chrono::seconds max_tick_age{300}; // older than that, the last tick makes /ready fail
};

void add_runner_routes(router& r, runner_front front);

// `tick` of /health; database, migrations, tick, llm_circuit and draining of /ready.
probed_target probed_runner(runner_front front);

// -- the pure parts -----------------------------------------------------------------------------------

// What /ready judges; nullopt: the actor did not answer.
struct readiness_facts {
  std::optional<bool> database_connected;
  std::optional<bool> llm_circuit_open;
  std::optional<scheduler_status> scheduler;
  bool migrated = false;
  std::chrono::seconds uptime{0};
};

// Before the first tick has ended, its age counts from the start of the service.
std::vector<failing_part> failing_parts(const readiness_facts& facts, std::chrono::seconds max_tick_age);

// `{scannedAt, dueMissionCount, plansProduced, plansWrittenBack, parseFailures, errors}`
std::string tick_json(const tick_report& report);

// `{now, missions:[{id, title, state, nextRunAt, retryAt, leaseUntil, leaseOwner, attempts,
// lastError, notRunningBecause}]}`; times are ISO or null, leaseOwner and lastError null when empty.
std::string missions_json(const mission_list& list);
// `{runsThisHour, runsPerHour, tokensToday, tokensPerDay, waitsUntil}`; no limit is null.
json::object budget_json(const user_budget& budget);

} // namespace mana::http
