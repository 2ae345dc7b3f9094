// The change_puller: one database job per page.
#pragma once

#include "messages/change_puller.hpp"
#include "messages/database.hpp"

namespace mana {

class change_puller : public change_puller_actor::base {
public:
  change_puller(caf::actor_config& cfg, database_actor database);

  const char* name() const override { return "change_puller"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  database_actor database_;
};

} // namespace mana
