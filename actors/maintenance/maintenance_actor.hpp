// maintenance: what the tables need once a day and nobody asks for. Every replica runs it; a lock in the
// database lets one of them work, and the work is the same whoever does it and however often.
#pragma once

#include "actors/maintenance/maintenance_queries.hpp"
#include "messages/caf_errors.hpp"
#include "messages/database.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <functional>

namespace mana {

struct maintenance_due {}; // its own reminder
using maintenance_actor = caf::typed_actor<caf::reacts_to<maintenance_due>>;

struct maintenance_config {
  std::chrono::hours audit_retention{400 * 24};
  std::chrono::milliseconds interval = std::chrono::hours{24};
  std::chrono::milliseconds retry = std::chrono::minutes{10}; // after a failure
};

struct maintenance_observer {
  std::function<void(const maintained&)> done = [](const maintained&) {};
  std::function<void(const failure&)> failed = [](const failure&) {};
};

// Works when it starts and then once per interval, up to a tenth of which it waits longer: replicas that
// started together do not stay together.
class maintenance : public maintenance_actor::base {
public:
  // `random` gives numbers in [0, 1).
  maintenance(caf::actor_config& cfg, database_actor database, maintenance_config config,
              std::function<double()> random, maintenance_observer observer);

  const char* name() const override { return "maintenance"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  void work();
  void again_after(std::chrono::milliseconds pause);

  database_actor database_;
  maintenance_config config_;
  std::function<double()> random_;
  maintenance_observer observer_;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::maintenance_due)
