// The grant_issuer. Refusals are recorded with the mission they name, if that is a possible one.
#pragma once

#include "actors/grant_issuer/issue_query.hpp"
#include "actors/key_vault/vault_audit.hpp"
#include "messages/grant_issuer.hpp"

#include <memory>

namespace mana {

class grant_issuer : public grant_issuer_actor::base {
public:
  grant_issuer(caf::actor_config& cfg, database_actor database, std::shared_ptr<const kek_ring> keks, grant_desk desk,
               vault_observer observer);

  const char* name() const override { return "grant_issuer"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  database_actor database_;
  std::shared_ptr<const kek_ring> keks_;
  grant_desk desk_;
  vault_observer observer_;
};

} // namespace mana
