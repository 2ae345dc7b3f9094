// The mission_quarantine: what operators ask and order about quarantined missions. Which missions get there is
// decided where runs end: by planners, and by schema mana_ai (end_crashed_runs).
#pragma once

#include "messages/database.hpp"
#include "messages/mission_quarantine.hpp"

namespace mana {

class mission_quarantine : public mission_quarantine_actor::base {
public:
  mission_quarantine(caf::actor_config& cfg, database_actor database);

  const char* name() const override { return "mission_quarantine"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  caf::result<mission_released> release(const mission_key& key);

  database_actor database_;
};

} // namespace mana
