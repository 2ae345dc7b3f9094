#include "actors/mission_claimer/mission_claimer_actor.hpp"

#include "actors/database/ask_database.hpp"

namespace mana {

mission_claimer::mission_claimer(caf::actor_config& cfg, database_actor database, claim_terms terms)
  : mission_claimer_actor::base(cfg), database_(std::move(database)), terms_(std::move(terms)) {
  set_default_handler(caf::drop);
}

mission_claimer::behavior_type mission_claimer::make_behavior() {
  return {
      [this](const claim_missions& wanted) {
        return answer_from_database<claimed_missions>(this, database_, "claim", [wanted, terms = terms_](auto& db) {
          return claim_due_missions(db, wanted, terms);
        });
      },
      [this](const renew_leases& m) {
        return answer_from_database<leases_renewed>(
            this, database_, "renew",
            [held = m.held, terms = terms_](auto& db) { return renew_held_leases(db, held, terms); });
      },
      [this](const hand_back& m) {
        return answer_from_database<handed_back>(
            this, database_, "hand_back",
            [held = m.held, crashed = m.crashed](auto& db) { return release_unrun(db, held, crashed); });
      },
  };
}

} // namespace mana
