// The change_pusher: parses what a client sent, and appends it in one database job.
//
// The page of the answer is read by a transaction of its own, after the commit: so it begins where every
// row of the batch can be behind the cursor. A job that is run again after that commit finds its events in
// the log, also those that the client gave no id: they get theirs before the job is made.
#pragma once

#include "messages/change_pusher.hpp"
#include "messages/database.hpp"

#include <functional>

namespace mana {

struct change_pusher_observer {
  // Rows that were appended, and that were there already. Called on a thread of the database pool.
  std::function<void(std::size_t stored, std::size_t repeated)> pushed;
};

class change_pusher : public change_pusher_actor::base {
public:
  change_pusher(caf::actor_config& cfg, database_actor database, change_pusher_observer observer);

  const char* name() const override { return "change_pusher"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  caf::result<changes_pushed> push(const push_changes& what);

  database_actor database_;
  change_pusher_observer observer_;
};

} // namespace mana
