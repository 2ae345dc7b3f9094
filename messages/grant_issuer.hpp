// grant_issuer: key grants for missions (contract, sections 4 and 5). Every request leaves a row in
// the vault's audit, also when it is refused.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace mana {

struct issue_mission_grant {
  user_id user;
  mission_id mission;
  std::vector<std::string> tables;
  std::vector<std::string> record_ids; // `<table>:<id>`
  std::chrono::milliseconds ttl{0};    // clamped to what is allowed
};

struct issued_mission_grant {
  std::string json; // as it is stored in the mission's record
};

using grant_issuer_actor = caf::typed_actor<
    // In this order: grant_not_configured; bad_request (limits); vault_not_initialised;
    // zero_knowledge_active; rate_limited (see retry_after.hpp); vault_key_unknown. And database_* errors,
    // commit_in_doubt: no grant was given away, ask again.
    caf::replies_to<issue_mission_grant>::with<issued_mission_grant>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::issue_mission_grant)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::issued_mission_grant)
