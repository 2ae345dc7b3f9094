// Ending runs in the database: write-backs share one transaction, releases another.
#pragma once

#include "actors/mission/schedule.hpp"
#include "messages/iteration_writer.hpp"
#include "messages/result.hpp"

#include <string>
#include <vector>

namespace mana::pg {
class connection;
}

namespace mana {

struct write_policy {
  schedule_policy schedule;
  std::string default_time_zone = "UTC"; // of missions without one; IANA name
};

// One result per run, in order: written, released, lease_lost, or grant_revoked. May be called again after a COMMIT
// in doubt: an iteration that is there already counts as written. Throws libpqxx's exceptions.
std::vector<result<run_ended>> end_runs(pg::connection&, const std::vector<end_run>&, const write_policy&);

} // namespace mana
