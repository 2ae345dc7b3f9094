// What the runner listens to: changes of the log, which the refresher folds, and orders to stop runs. An
// order that is missed is not repeated: a run finds out when it renews its lease, and the writer refuses
// what it comes to.
#pragma once

#include "actors/change_listener/change_listener_actor.hpp"
#include "messages/scheduler.hpp"
#include "messages/snapshot_refresher.hpp"

namespace mana {

std::vector<std::string> runner_channels();
listener_deps runner_hearing(database_actor database, snapshot_refresher_actor refresher, scheduler_actor scheduler,
                             std::function<double()> random);

} // namespace mana
