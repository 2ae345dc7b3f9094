// mission_directory: what an operator asks about one user's missions, and users about their own.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mana {

struct list_missions {
  user_id user;
};

struct mission_status {
  mission_id id;
  std::string title;
  std::string state;
  std::optional<timestamp> next_run_at;
  std::optional<timestamp> retry_at;    // when the slot is being retried
  std::optional<timestamp> lease_until; // while a replica runs it
  std::string lease_owner;              // the replica's name
  bool foreground = false;              // a tab of the user runs it, and no replica
  unsigned attempts = 0;                // for the current slot
  std::string last_error;               // `<code>: <detail>` of the last failed attempt; may be empty
  std::string not_running_because;      // one of the words of `hold`, or `running`, `due`
  unsigned crashes = 0;                 // claims in a row that ended with their runner
};

// What the user has used of their share, and the limits; 0 is no limit.
struct user_budget {
  std::size_t runs_this_hour = 0;
  std::size_t runs_per_hour = 0;
  std::int64_t tokens_today = 0; // reserved ones included
  std::int64_t tokens_per_day = 0;
  std::optional<timestamp> waits_until; // when a spent budget is renewed
};

struct mission_list {
  timestamp now;
  std::vector<mission_status> missions;
  user_budget budget;
};

using mission_directory_actor = caf::typed_actor<
    // An unknown user has an empty list. database_* errors.
    caf::replies_to<list_missions>::with<mission_list>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::list_missions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::mission_list)
