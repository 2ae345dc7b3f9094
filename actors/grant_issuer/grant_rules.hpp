// What a grant may be asked for. Pure.
//
//   missionId    1 to 200 bytes
//   tables       1 to 32, each [A-Za-z][A-Za-z0-9_-]{0,63}
//   recordIds    1 to 1,000, each `<table>:<id>` with a table of the list and 1 to 200 bytes of id
//   both         no control characters; duplicates count once; a table without an id opens nothing
//                and is no error
//   ttl          clamped to one hour … 30 days
#pragma once

#include "infra/crypto/grant/grant.hpp"
#include "messages/grant_issuer.hpp"
#include "messages/result.hpp"

namespace mana {

inline constexpr std::chrono::milliseconds default_grant_ttl = std::chrono::hours{7 * 24};
inline constexpr std::chrono::milliseconds min_grant_ttl = std::chrono::hours{1};
inline constexpr std::chrono::milliseconds max_grant_ttl = std::chrono::hours{30 * 24};
std::chrono::milliseconds clamped_ttl(std::chrono::milliseconds asked);

inline constexpr std::size_t max_mission_id_bytes = 200;
bool is_mission_id(std::string_view id);
inline constexpr std::size_t max_grant_tables = 32;
inline constexpr std::size_t max_record_id_bytes = 200; // behind the table's colon

// Both lists sorted, without duplicates. bad_request names the field, and for a list the place (from 0).
result<crypto::grant_scope> checked_scope(const issue_mission_grant& asked);

} // namespace mana
