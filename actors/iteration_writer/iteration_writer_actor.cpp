#include "actors/iteration_writer/iteration_writer_actor.hpp"

namespace mana {

iteration_writer::iteration_writer(caf::actor_config& cfg, database_actor database, write_policy policy,
                                   write_observer observer)
  : iteration_writer_actor::base(cfg),
    batcher_(this, std::move(database), {"end_runs", 64, 2, std::move(observer.written), std::move(observer.failed)},
             [policy](pg::connection& db, const std::vector<end_run>& runs) { return end_runs(db, runs, policy); }) {
  set_default_handler(caf::drop);
}

iteration_writer::behavior_type iteration_writer::make_behavior() {
  return {
      [this](end_run& r) -> caf::result<run_ended> {
        auto promise = make_response_promise<run_ended>();
        batcher_.add(std::move(r), promise);
        return promise;
      },
  };
}

} // namespace mana
