// The sync target's actors that the HTTP front talks to. Empty while the service starts or stops;
// requests that need one then answer 503.
#pragma once

#include "messages/change_puller.hpp"
#include "messages/change_pusher.hpp"
#include "messages/database.hpp"
#include "messages/session_registry.hpp"

namespace mana {

struct sync_handles {
  database_actor database;
  change_pusher_actor pusher;
  change_puller_actor puller;
  session_registry_actor sessions;
};

} // namespace mana
