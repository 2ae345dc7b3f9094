// The auth target's actors that the HTTP front talks to. Empty while the service starts or stops;
// requests that need one then answer 503.
#pragma once

#include "messages/database.hpp"
#include "messages/grant_issuer.hpp"
#include "messages/key_vault.hpp"

namespace mana {

struct auth_handles {
  database_actor database;
  key_vault_actor vault;
  grant_issuer_actor grants;
};

} // namespace mana
