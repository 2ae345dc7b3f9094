// What is told of a run, its stages and its calls to the LLM in spans. Names of attributes are OpenTelemetry's where
// it has any, else they begin with `mana.`. Pure.
//
//   run                         mission, slot, attempt, outcome, the user's group
//   ├── read, audit, write      as the metric run_stage_duration_seconds; a repeated one is a span each time
//   └── llm
//       └── chat <model>        one HTTP request: endpoint, status, tokens, which retry it is
//
// No error's detail: it may quote what is somebody's.
#pragma once

#include "actors/llm_client/llm_client_config.hpp"
#include "actors/planner/planner_actor.hpp"
#include "messages/scheduler.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mana {

// planned, failed, retry, parked, lease_lost, cancelled, revoked or account_deleted.
std::string_view outcome_of(const run_finished& run);
// Whether nobody has to look at it.
bool ended_as_it_should(const run_finished& run);

struct llm_endpoint_name {
  std::string host;
  std::int64_t port = 0;
  std::string model;
};
// In the order of the configuration, which is valid.
std::vector<llm_endpoint_name> llm_endpoints_of(const llm_client_config& config);

void describe(const run_finished& run, ended_span& out);
void describe(const ended_stage& stage, ended_span& out);
void describe(const llm_attempt& attempt, const llm_endpoint_name& at, ended_span& out);

} // namespace mana
