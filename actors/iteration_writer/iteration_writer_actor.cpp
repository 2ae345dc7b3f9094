#include "actors/iteration_writer/iteration_writer_actor.hpp"

#include <string>

namespace mana {

namespace {

constexpr std::size_t max_batch = 64;

} // namespace

iteration_writer::iteration_writer(caf::actor_config& cfg, database_actor database, write_policy policy,
                                   write_observer observer)
  : iteration_writer_actor::base(cfg), lanes_{
                                           make_lane(database, policy, observer),
                                           make_lane(database, policy, observer),
                                       } {
  set_default_handler(caf::drop);
}

iteration_writer::lane iteration_writer::make_lane(const database_actor& database, const write_policy& policy,
                                                   const write_observer& observer) {
  return {this,
          database,
          {"end_runs", max_batch, 1, observer.written, observer.failed},
          [policy](pg::connection& db, const std::vector<end_run>& runs) { return end_runs(db, runs, policy); }};
}

void iteration_writer::on_exit() {
  for (auto& l : lanes_)
    l.stop();
}

iteration_writer::lane& iteration_writer::lane_of(const user_id& user) {
  return lanes_[std::hash<std::string>{}(user.value) % lanes_.size()];
}

iteration_writer::behavior_type iteration_writer::make_behavior() {
  return {
      [this](end_run& r) -> caf::result<run_ended> {
        auto promise = make_response_promise<run_ended>();
        auto& users_lane = lane_of(r.held.key.user);
        users_lane.add(std::move(r), promise);
        return promise;
      },
  };
}

} // namespace mana
