// The auth target: starts its actors in the order of need, stops them in reverse, and gives up when
// one of them cannot be kept alive (see child_group.hpp).
//
//   child             restart   who needs it              stops
//   database          yes       all below                 6.
//   schema_keeper     yes       /ready                    5.
//   key_vault         yes       HTTP front                4.
//   grant_issuer      yes       HTTP front                3.
//   password_hasher   yes       sign_in                   2.
//   sign_in           yes       HTTP front                1.
// The last two in the standalone mode only.
//
// Nothing lives in memory only: what the crash of a child loses is a request, which answers an error.
#pragma once

#include "actors/supervisor/child_group.hpp"
#include "infra/config/settings.hpp"
#include "infra/metrics/registry.hpp"
#include "messages/auth_handles.hpp"
#include "messages/result.hpp"
#include "messages/schema_keeper.hpp"

#include <memory>

namespace mana {

class auth_service {
public:
  using give_up = child_group::give_up;

  // config_invalid: a key that key_errors() names as well.
  static result<std::unique_ptr<auth_service>> start(caf::actor_system& system, const config::settings& settings,
                                                     metrics::registry& registry, give_up on_give_up);
  auth_service(const auth_service&) = delete;
  auth_service& operator=(const auth_service&) = delete;
  ~auth_service();

  // Thread-safe.
  auth_handles handles() const;
  schema_status schema() const;

  // Stops all actors, in reverse order. Blocks.
  void stop();

private:
  struct shared;
  auth_service(caf::actor_system& system, std::shared_ptr<shared> board);

  std::shared_ptr<shared> board_;
  child_group children_;
};

} // namespace mana
