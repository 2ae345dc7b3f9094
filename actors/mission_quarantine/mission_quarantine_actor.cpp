#include "actors/mission_quarantine/mission_quarantine_actor.hpp"

#include "actors/database/ask_database.hpp"
#include "actors/mission_quarantine/quarantine_queries.hpp"

namespace mana {

mission_quarantine::mission_quarantine(caf::actor_config& cfg, database_actor database)
  : mission_quarantine_actor::base(cfg), database_(std::move(database)) {
  set_default_handler(caf::drop);
}

mission_quarantine::behavior_type mission_quarantine::make_behavior() {
  return {
      [this](list_quarantined) {
        return answer_from_database<quarantined_missions>(this, database_, "list_quarantined",
                                                          [](auto& db) { return list_quarantined_missions(db); });
      },
      [this](const release_mission& m) { return release(m.key); },
  };
}

caf::result<mission_released> mission_quarantine::release(const mission_key& key) {
  auto promise = make_response_promise<mission_released>();
  database_job job{"release_mission", [key](pg::connection& db) -> std::any { return release_quarantined(db, key); }};
  // The pool always answers, within the limits of its connections.
  request(database_, caf::infinite, std::move(job))
      .then(
          [promise](database_answer& a) mutable {
            if (auto& released = a.as<std::optional<mission_released>>())
              promise.deliver(*released);
            else
              promise.deliver(to_caf({errc::not_found, "the user has no such mission"}));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

} // namespace mana
