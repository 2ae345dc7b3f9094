// The auth target's actors that the HTTP front talks to. Empty while the service starts or stops;
// requests that need one then answer 503.
#pragma once

#include "messages/database.hpp"
#include "messages/grant_issuer.hpp"
#include "messages/key_vault.hpp"
#include "messages/sign_in.hpp"

namespace mana {

struct auth_handles {
  database_actor database;
  key_vault_actor vault;
  grant_issuer_actor grants;
  sign_in_actor sign_in; // in the standalone mode only
};

} // namespace mana
