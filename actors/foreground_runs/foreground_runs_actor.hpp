// foreground_runs: one database job per request. Where rows of the log wait to be folded, which may be the very row
// that makes the mission due or ends the tab's run, the refresher folds them first.
#pragma once

#include "actors/foreground_runs/foreground_queries.hpp"
#include "messages/database.hpp"
#include "messages/foreground_runs.hpp"
#include "messages/snapshot_refresher.hpp"

#include <chrono>
#include <functional>

namespace mana {

struct foreground_config {
  foreground_terms terms;
  // Rows that keep coming may have it fold so often before database_conflict.
  unsigned max_refreshes = 3;
  std::chrono::milliseconds refresh_timeout{5'000};
};

struct foreground_deps {
  database_actor database;
  snapshot_refresher_actor refresher;
  std::function<void()> run_given_back; // the mission may be claimed by a replica
};

class foreground_runs : public foreground_runs_actor::base {
public:
  foreground_runs(caf::actor_config& cfg, foreground_config config, foreground_deps deps);

  const char* name() const override { return "foreground_runs"; }
  void on_exit() override { deps_ = {}; }

protected:
  behavior_type make_behavior() override;

private:
  using claim_promise = caf::typed_response_promise<foreground_run>;
  using end_promise = caf::typed_response_promise<foreground_run_ended>;

  void claim(const mission_key& key, claim_promise promise, unsigned refreshes);
  void end(const lease& held, end_promise promise, unsigned refreshes);
  // Refreshes and goes on with `again`, unless that has been done often enough.
  template <class Promise>
  void after_refresh(unsigned refreshes, Promise promise, std::function<void(unsigned)> again);

  foreground_config config_;
  foreground_deps deps_;
};

} // namespace mana
