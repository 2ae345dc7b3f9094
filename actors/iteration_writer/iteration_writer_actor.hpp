// The iteration_writer: group-commits the ends of runs.
#pragma once

#include "actors/database/job_batcher.hpp"
#include "actors/iteration_writer/end_queries.hpp"
#include "messages/iteration_writer.hpp"

namespace mana {

class iteration_writer : public iteration_writer_actor::base {
public:
  iteration_writer(caf::actor_config& cfg, database_actor database, write_policy policy);

  const char* name() const override { return "iteration_writer"; }
  void on_exit() override { batcher_.stop(); }

protected:
  behavior_type make_behavior() override;

private:
  job_batcher<end_run, run_ended> batcher_;
};

} // namespace mana
