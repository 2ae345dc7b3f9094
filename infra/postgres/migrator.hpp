// Numbered migrations of our schemas, embedded in the binary. Each runs once, in a transaction of
// its own; an advisory lock lets several replicas start at the same time. Every schema has a set of
// its own, with its own numbers, owner and table of what was applied, because the schemas of two
// targets may live in two databases.
#pragma once

#include "infra/config/targets.hpp"
#include "infra/postgres/connection.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace mana::pg {

struct migration {
  int number = 0;
  std::string_view name;
  std::string_view sql;
};

struct migration_set {
  std::string_view schema;
  std::string_view owner;                // the role that the migrations run as
  std::span<const migration> migrations; // in ascending order, without gaps
};

const migration_set& runner_migrations(); // schema mana_ai
const migration_set& auth_migrations();   // schema mana_auth
const migration_set& sync_migrations();   // schema mana_sync, and columns of public.sync_changes
// The sets of the targets that have one.
std::vector<const migration_set*> migrations_of(config::target_set targets);

struct migration_state {
  int applied = 0; // the highest number in the database
  int known = 0;   // the highest number in this binary
};

// Applies what is missing, as the set's owner. Returns how many were applied. A database that is
// ahead of this binary is left alone (a rolling upgrade); an applied migration whose text has
// changed since is refused.
result<std::size_t> migrate(const std::string& url, const migration_set& set);

// For the service's own login; database_refused when the schema is missing.
result<migration_state> migration_state_of(connection& c, const migration_set& set);

} // namespace mana::pg
