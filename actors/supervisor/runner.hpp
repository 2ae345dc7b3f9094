// The runner: starts its actors in the order of need, stops them in reverse, and gives up when one
// of them cannot be kept alive.
//
//   child                restart   who needs it                      stops
//   database             yes       all below                         19.
//   schema_keeper        yes       /ready                            18.
//   mission_claimer      yes       scheduler                         17.
//   record_reader        yes       planners                          16.
//   iteration_writer     yes       planners                          15.
//   audit_database       yes       audit_writer alone                14.
//   audit_writer         yes       planners                          13.
//   llm_client           yes       planners                          12.
//   snapshot_refresher   yes       scheduler, change_listener        11.
//   mission_directory    yes       HTTP front                        10.
//   audit_reader         yes       HTTP front                         9.
//   user_eraser          yes       HTTP front                         8.
//   mission_quarantine   yes       HTTP front                         7.
//   foreground_runs      yes       HTTP front                         6.
//   llm_proxy            yes       HTTP front                         5.
//   scheduler            yes       HTTP front; owns the planners      4.
//   gauge_sampler        yes       /metrics                           3.
//   change_listener      yes                                          2.
//   planners             no        the scheduler hands the lease back 1., by the scheduler's drain
//
// A child that dies more than five times within a minute ends the process with a last log line that
// names it; Kubernetes starts it again, and leases of other replicas' missions are not touched.
// What the crash of a child loses: its requests under way are answered with an error and repeated by
// whoever asked; claimed missions come back when their lease ends. Nothing else lives in memory only.
#pragma once

#include "actors/supervisor/child_group.hpp"
#include "infra/config/settings.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/metrics/registry.hpp"
#include "infra/tracing/tracer.hpp"
#include "messages/result.hpp"
#include "messages/runner_handles.hpp"
#include "messages/schema_keeper.hpp"

#include <memory>
#include <string>

namespace mana {

class runner {
public:
  using give_up = child_group::give_up;

  // config_invalid: a setting of the LLM client or a private key, or the tool catalogue disagrees with its policy.
  static result<std::unique_ptr<runner>> start(caf::actor_system& system, io_loop& llm_loop,
                                               const config::settings& settings, metrics::registry& registry,
                                               const tracing::tracer& tracer, give_up on_give_up);
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;
  ~runner();

  // Thread-safe.
  runner_handles handles() const;
  schema_status schema() const;

  // Stops claiming; runs go on until the grace is over, then the rest is handed back.
  void begin_drain(std::chrono::milliseconds grace);
  // Waits for the end of that, and begins it if need be. Blocks.
  drained drain(std::chrono::milliseconds grace);
  // Stops all actors, in reverse order. Blocks; call it while the loops run.
  void stop();

private:
  struct shared;
  runner(caf::actor_system& system, std::shared_ptr<shared> board);

  template <class Handle>
  Handle add(const std::string& name, child_factory make_child) {
    return children_.add<Handle>(name, std::move(make_child));
  }

  caf::actor_system& system_;
  std::shared_ptr<shared> board_;
  child_group children_;
};

} // namespace mana
