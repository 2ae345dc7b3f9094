#include "actors/key_vault/key_vault_actor.hpp"

#include "actors/key_vault/vault_queries.hpp"

namespace mana {

key_vault::key_vault(caf::actor_config& cfg, database_actor database, std::shared_ptr<const kek_ring> keks,
                     vault_observer observer)
  : key_vault_actor::base(cfg), database_(std::move(database)), keks_(std::move(keks)), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

key_vault::behavior_type key_vault::make_behavior() {
  return {
      [this](const get_vault_status& m) {
        return answer_from_database<vault_status>(
            this, database_, "vault_status", [user = m.user](pg::connection& db) { return status_of_vault(db, user); });
      },
      [this](const init_vault& m) {
        return attempt<new_vault>(
            "vault_init", m.user, vault_action::init,
            [keks = keks_, user = m.user](pg::connection& db) { return create_vault(db, *keks, user); });
      },
      [this](const read_vault_key& m) {
        return attempt<vault_key>(
            "vault_key_read", m.user, vault_action::key_read,
            [keks = keks_, user = m.user](pg::connection& db) { return read_key(db, *keks, user); });
      },
      [this](const rotate_vault& m) {
        return attempt<rotated_vault>(
            "vault_rotate", m.user, vault_action::rotate,
            [keks = keks_, user = m.user](pg::connection& db) { return rotate_key(db, *keks, user); });
      },
      [this](const set_recovery_wrap& m) {
        return attempt<vault_changed>("vault_recovery_set", m.user, vault_action::recovery_set,
                                      [m](pg::connection& db) { return store_recovery_wrap(db, m.user, m.wrap); });
      },
      [this](const remove_recovery_wrap& m) {
        return attempt<vault_changed>("vault_recovery_removed", m.user, vault_action::recovery_removed,
                                      [user = m.user](pg::connection& db) { return drop_recovery_wrap(db, user); });
      },
      [this](const enable_zero_knowledge& m) {
        return attempt<vault_changed>("vault_zero_knowledge_on", m.user, vault_action::zero_knowledge_on,
                                      [user = m.user](pg::connection& db) { return start_zero_knowledge(db, user); });
      },
      [this](const disable_zero_knowledge& m) {
        return attempt<vault_changed>(
            "vault_zero_knowledge_off", m.user, vault_action::zero_knowledge_off,
            [keks = keks_, m](pg::connection& db) { return end_zero_knowledge(db, *keks, m.user, m.master_key); });
      },
  };
}

} // namespace mana
