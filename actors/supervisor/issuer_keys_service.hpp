// What verifies users' tokens from an issuer outside of this process: one child, the cache of its keys
// (see child_group.hpp). It is no part of the runner or of auth because both need it.
#pragma once

#include "actors/supervisor/child_group.hpp"
#include "infra/config/settings.hpp"
#include "infra/io/io_loop.hpp"
#include "messages/result.hpp"
#include "messages/token_keys.hpp"

#include <memory>
#include <mutex>

namespace mana {

class issuer_keys_service {
public:
  // config_invalid: MANA_AUTH_URL.
  static result<std::unique_ptr<issuer_keys_service>>
  start(caf::actor_system& system, io_loop& loop, const config::settings& settings, child_group::give_up on_give_up);
  ~issuer_keys_service();

  // Thread-safe; empty after stop().
  token_keys_actor keys() const;
  // Blocks; call it while the loop runs.
  void stop();

private:
  explicit issuer_keys_service(caf::actor_system& system) : children_(system) {}

  mutable std::mutex mutex_;
  token_keys_actor keys_;
  child_group children_;
};

} // namespace mana
