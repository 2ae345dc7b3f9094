#include "actors/grant_issuer/grant_issuer_actor.hpp"

#include "actors/grant_issuer/grant_rules.hpp"

namespace mana {

grant_issuer::grant_issuer(caf::actor_config& cfg, database_actor database, std::shared_ptr<const kek_ring> keks,
                           grant_desk desk, vault_observer observer)
  : grant_issuer_actor::base(cfg), database_(std::move(database)), keks_(std::move(keks)), desk_(std::move(desk)),
    observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

grant_issuer::behavior_type grant_issuer::make_behavior() {
  return {
      [this](const issue_mission_grant& m) {
        vault_attempt what{m.user, vault_action::grant, {}, static_cast<int>(m.record_ids.size())};
        if (is_mission_id(m.mission.value))
          what.mission = m.mission.value;
        return audited<issued_mission_grant>(
            this, database_, observer_, "grant_issue", std::move(what),
            [keks = keks_, desk = desk_, m](pg::connection& db) { return issue(db, *keks, desk, m); });
      },
  };
}

} // namespace mana
