// What a target can find out about its database with its own login.
#pragma once

#include "infra/postgres/connection.hpp"
#include "infra/postgres/migrator.hpp"
#include "messages/schema_keeper.hpp"

namespace mana {

// One line of `mana-ai check`.
struct schema_finding {
  std::string part; // login, change log, migrations, change capture, notices, vaults
  bool good = false;
  bool fatal = true; // a finding that is not good and not fatal is a warning
  std::string text;  // what is, and what to do when it is not good
};

// What a target needs of its database.
struct schema_needs {
  const pg::migration_set* migrations = nullptr;
  // Throws libpqxx's exceptions.
  std::vector<schema_finding> (*inspect)(pg::connection&) = nullptr;
};
schema_needs runner_schema();
schema_needs auth_schema();
schema_needs sync_schema();

schema_status status_of(const std::vector<schema_finding>&);

} // namespace mana
