// Numbered migrations of schema mana_ai, embedded in the binary. Each runs once, in a transaction
// of its own; an advisory lock lets several replicas start at the same time.
#pragma once

#include "infra/postgres/connection.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace mana::pg {

struct migration {
  int number = 0;
  std::string_view name;
  std::string_view sql;
};

// In ascending order, without gaps.
std::span<const migration> embedded_migrations();

struct migration_state {
  int applied = 0; // the highest number in the database
  int known = 0;   // the highest number in this binary
};

// Applies what is missing, as role mana_ai_owner. Returns how many were applied. A database that is
// ahead of this binary is left alone (a rolling upgrade); an applied migration whose text has
// changed since is refused.
result<std::size_t> migrate(const std::string& url);

// For the service's own login; database_refused when the schema is missing.
result<migration_state> migration_state_of(connection& c);

} // namespace mana::pg
