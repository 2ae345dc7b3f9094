// The mission_directory: answers operators. Reads snapshots, never changes anything.
#pragma once

#include "actors/mission/user_budgets.hpp"
#include "messages/database.hpp"
#include "messages/llm_client.hpp"
#include "messages/mission_directory.hpp"

namespace mana {

// What is known of a mission when somebody asks why it does not run.
struct mission_facts {
  timestamp now;
  std::string hold; // see actors/mission/schedule.hpp; empty: nothing holds it
  std::optional<timestamp> slot;
  std::optional<timestamp> claimable;
  bool leased = false;
  std::size_t users_runs = 0;  // of this user, in flight now
  std::size_t users_limit = 0; // 0: none
  bool runs_spent = false;     // of the user's hour
  bool tokens_spent = false;   // of the user's day: not enough is left for one run
  bool circuit_open = false;
};

// running, due, not-due, retry-later, over-token-budget, over-runs-per-hour, over-the-users-limit, circuit-open, or the
// hold itself. Of several the one that lasts longest.
std::string why_not_running(const mission_facts&);

// A user's missions by their slots, at most 1,000. The limits are those of users without a row in
// mana_ai.user_limits. Throws libpqxx's exceptions.
mission_list list_missions_of(pg::connection& db, const user_id& user, std::size_t users_limit,
                              const user_budgets& budgets, bool circuit_open);

class mission_directory : public mission_directory_actor::base {
public:
  mission_directory(caf::actor_config& cfg, database_actor database, llm_client_actor llm, std::size_t users_limit,
                    user_budgets budgets);

  const char* name() const override { return "mission_directory"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  caf::result<mission_list> list(const user_id& user);

  database_actor database_;
  llm_client_actor llm_;
  std::size_t users_limit_;
  user_budgets budgets_;
};

} // namespace mana
