// What is done to the tables once in a while.
#pragma once

#include <chrono>

namespace mana::pg {
class connection;
}

namespace mana {

struct maintained {
  bool elsewhere = false; // another replica was at it: nothing was done here
  int partitions_made = 0;
  int partitions_dropped = 0;
};

// Makes the audit's next partitions and drops those that ended longer than `audit_retention` ago.
// Throws libpqxx's exceptions.
maintained maintain_tables(pg::connection& db, std::chrono::hours audit_retention);

} // namespace mana
