// The key_vault. Unwrapping and wrapping happen in database jobs, on their worker's thread: a master
// key lives from the row that is read to the answer that is made, within one function.
#pragma once

#include "actors/key_vault/kek_ring.hpp"
#include "actors/key_vault/vault_audit.hpp"
#include "messages/key_vault.hpp"

#include <memory>

namespace mana {

class key_vault : public key_vault_actor::base {
public:
  key_vault(caf::actor_config& cfg, database_actor database, std::shared_ptr<const kek_ring> keks,
            vault_observer observer);

  const char* name() const override { return "key_vault"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  template <class Reply, class Work>
  caf::result<Reply> attempt(const char* name, const user_id& user, vault_action action, Work work) {
    return audited<Reply>(this, database_, observer_, name, {user, action, {}, {}}, std::move(work));
  }

  database_actor database_;
  std::shared_ptr<const kek_ring> keks_;
  vault_observer observer_;
};

} // namespace mana
