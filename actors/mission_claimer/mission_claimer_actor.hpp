// The mission_claimer: one database job per request, in the order they come.
#pragma once

#include "actors/mission_claimer/claim_queries.hpp"
#include "messages/database.hpp"
#include "messages/mission_claimer.hpp"

namespace mana {

class mission_claimer : public mission_claimer_actor::base {
public:
  mission_claimer(caf::actor_config& cfg, database_actor database, claim_terms terms);

  const char* name() const override { return "mission_claimer"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  database_actor database_;
  claim_terms terms_;
};

} // namespace mana
