// The actors that a replica's scheduler and planners talk to: each passes its requests to the model of the database,
// through the network, or to that of the language model.
#pragma once

#include "tests/simulation/replica.hpp"

#include <functional>
#include <vector>

namespace mana::sim {

struct role_context {
  surroundings& around;
  session_ptr life;
  std::function<void(const caf::actor_addr& planner)> used;            // a planner reads or asks
  std::function<std::optional<lease>(caf::actor_id planner)> lease_of; // none: the planner has ended
};

// Each adds its actor to `all`.
mission_claimer_actor spawn_claimer(const role_context& c, std::vector<caf::actor>& all);
snapshot_refresher_actor spawn_refresher(const role_context& c, std::vector<caf::actor>& all);
record_reader_actor spawn_reader(const role_context& c, std::vector<caf::actor>& all);
audit_writer_actor spawn_audit(const role_context& c, std::vector<caf::actor>& all);
iteration_writer_actor spawn_writer(const role_context& c, std::vector<caf::actor>& all);
llm_client_actor spawn_llm(const role_context& c, std::vector<caf::actor>& all);

} // namespace mana::sim
