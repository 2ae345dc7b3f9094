// The iteration_writer: group-commits the ends of runs. All of a user's go through the same of two lanes: a transaction
// holds its users until it commits, and two at once with a user in common would do their work one after the other.
#pragma once

#include "actors/database/job_batcher.hpp"
#include "actors/iteration_writer/end_queries.hpp"
#include "messages/iteration_writer.hpp"

#include <array>
#include <functional>

namespace mana {

// Told of every batch: ends are repeated for as long as a plan is worth it, and until then nobody else says why.
struct write_observer {
  std::function<void()> written = [] {};
  std::function<void(const failure&)> failed = [](const failure&) {};
};

class iteration_writer : public iteration_writer_actor::base {
public:
  iteration_writer(caf::actor_config& cfg, database_actor database, write_policy policy, write_observer observer = {});

  const char* name() const override { return "iteration_writer"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using lane = job_batcher<end_run, run_ended>;
  lane make_lane(const database_actor& database, const write_policy& policy, const write_observer& observer);
  lane& lane_of(const user_id& user);

  std::array<lane, 2> lanes_;
};

} // namespace mana
