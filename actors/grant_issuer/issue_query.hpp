// Issues one grant in one transaction, which ends with its audit row: a grant that is given away has
// been recorded. Runs on a database worker: 1,000 record keys take some milliseconds.
#pragma once

#include "actors/key_vault/kek_ring.hpp"
#include "infra/crypto/grant/grant.hpp"
#include "infra/postgres/connection.hpp"
#include "messages/grant_issuer.hpp"

#include <optional>

namespace mana {

struct grant_desk {
  std::optional<crypto::rsa_public_key> runner; // none: no grants are issued
  std::size_t max_per_hour = 60;                // of one user
};

// Throws libpqxx's exceptions; errors as in messages/grant_issuer.hpp.
result<issued_mission_grant> issue(pg::connection& db, const kek_ring& keks, const grant_desk& desk,
                                   const issue_mission_grant& asked);

} // namespace mana
