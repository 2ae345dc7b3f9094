// The sync target: starts its actors in the order of need, stops them in reverse, and gives up when one of
// them cannot be kept alive (see child_group.hpp).
//
//   child                restart   who needs it                         stops
//   sync_database        yes       all below                            6.
//   sync_schema_keeper   yes       /ready                               5.
//   change_pusher        yes       HTTP front                           4.
//   change_puller        yes       HTTP front                           3.
//   session_registry     yes       HTTP front, sync_listener            2.
//   sync_listener        yes                                            1.
//
// What the crash of a child loses: requests under way, which answer an error and are repeated; with the
// registry the WebSockets, which are closed and come again; with the listener notices, for which everybody
// is told to pull everything as soon as the next one listens.
#pragma once

#include "actors/supervisor/child_group.hpp"
#include "infra/config/settings.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/metrics/registry.hpp"
#include "messages/result.hpp"
#include "messages/schema_keeper.hpp"
#include "messages/sync_handles.hpp"

#include <memory>

namespace mana {

class sync_service {
public:
  using give_up = child_group::give_up;

  // `socket_loop`: of the server whose WebSockets the registry knows.
  static std::unique_ptr<sync_service> start(caf::actor_system& system, io_loop& socket_loop,
                                             const config::settings& settings, metrics::registry& registry,
                                             give_up on_give_up);
  sync_service(const sync_service&) = delete;
  sync_service& operator=(const sync_service&) = delete;
  ~sync_service();

  // Thread-safe.
  sync_handles handles() const;
  schema_status schema() const;

  // Stops all actors, in reverse order. Blocks; call it while the loop runs.
  void stop();

private:
  struct shared;
  sync_service(caf::actor_system& system, std::shared_ptr<shared> board);

  std::shared_ptr<shared> board_;
  child_group children_;
};

} // namespace mana
