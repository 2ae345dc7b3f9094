// What the service can find out about its database with its own login.
#pragma once

#include "infra/postgres/connection.hpp"
#include "messages/schema_keeper.hpp"

namespace mana {

// One line of `mana-ai check`.
struct schema_finding {
  std::string part; // login, row level security, migrations, trigger, rights
  bool good = false;
  bool fatal = true; // a finding that is not good and not fatal is a warning
  std::string text;  // what is, and what to do when it is not good
};

// Throws libpqxx's exceptions.
std::vector<schema_finding> inspect_schema(pg::connection&);

schema_status status_of(const std::vector<schema_finding>&);

} // namespace mana
