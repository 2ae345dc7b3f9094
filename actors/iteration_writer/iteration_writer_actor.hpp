// The iteration_writer: group-commits the ends of runs.
#pragma once

#include "actors/database/job_batcher.hpp"
#include "actors/iteration_writer/end_queries.hpp"
#include "messages/iteration_writer.hpp"

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
  void on_exit() override { batcher_.stop(); }

protected:
  behavior_type make_behavior() override;

private:
  job_batcher<end_run, run_ended> batcher_;
};

} // namespace mana
