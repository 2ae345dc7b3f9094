// What /ready says of a target whose database nothing but requests uses.
#pragma once

#include "http/probe_routes.hpp"
#include "messages/database.hpp"
#include "messages/schema_keeper.hpp"

#include <functional>
#include <string>

namespace mana::http {

// The functions are called on the server's loop and must not block.
struct database_probe {
  std::string target; // the parts are <target>_database and <target>_migrations
  caf::actor_system* system = nullptr;
  std::function<database_actor()> database;
  std::function<schema_status()> schema;
};
probed_target probed_database(database_probe probe);

} // namespace mana::http
