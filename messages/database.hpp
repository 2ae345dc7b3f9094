// database: blocking work off the scheduler's threads. A fixed number of connections, one detached
// worker each, behind one dispatcher with a bounded queue.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <any>
#include <functional>
#include <string>

namespace mana {

namespace pg {
class connection; // infra/postgres/connection.hpp
}

// A unit of work, run on a worker's thread: captures by value, touches no actor, and may run again
// on a fresh connection when the pooled one turns out to be dead before anything was sent.
struct database_job {
  const char* name = ""; // for metrics and logs; a string literal
  std::function<std::any(pg::connection&)> run;
};

// A struct of its own because CAF would unwrap a bare caf::message.
struct database_answer {
  std::any value;
  template <class T>
  T& as() {
    return *std::any_cast<T>(&value);
  }
};

struct get_database_status {};
struct database_status {
  bool connected = false;   // the last statement of any worker reached the server
  std::string last_failure; // why not
};

using database_actor = caf::typed_actor<
    // database_* errors, commit_in_doubt.
    caf::replies_to<database_job>::with<database_answer>, caf::replies_to<get_database_status>::with<database_status>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::database_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::database_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::get_database_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::database_status)
