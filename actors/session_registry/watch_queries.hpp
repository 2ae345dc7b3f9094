// What the session_registry asks of the database (migration mana_sync/003_watched_users): rows of the users it watches
// are told of, those of others are not.
#pragma once

#include "messages/ids.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace mana {

namespace pg {
class connection; // infra/postgres/connection.hpp
}

struct watcher {
  std::string id; // a UUID
  std::chrono::milliseconds life{};
};

// Of what was written to the database: each transaction below `ended` has ended, none from `begun` on had begun.
struct write_horizon {
  std::uint64_t ended = 0;
  std::uint64_t begun = 0;
};

struct watched_users {
  struct named {
    user_id user;
    std::string notice_name; // what notices call them
  };
  std::vector<named> users;
  // Of after the watch began: who wrote before it may still commit, unheard, until all below `begun` have ended.
  write_horizon horizon;
};

// Statements of one watcher may overtake each other; of those about a user the one with the highest turn counts.
watched_users watch(pg::connection& db, const watcher& w, std::int64_t turn, const std::vector<user_id>& users);
void unwatch(pg::connection& db, const watcher& w, std::int64_t turn, const std::vector<user_id>& users);
// False when the database does not know the watcher, or no longer: it watches nobody.
bool keep_watching(pg::connection& db, const watcher& w);
write_horizon look_at_writes(pg::connection& db);

} // namespace mana
