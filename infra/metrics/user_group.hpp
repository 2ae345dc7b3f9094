// Groups of users, for metrics that have to show whether a few take most of the service: a user's group is one of 64,
// by a hash of the id. A metric so never names anybody and has as many series as there are groups, however many users
// there are. It is the same on every replica and after a restart. The users of a group, for who may read the database:
//
//   SELECT user_id FROM mana_ai.user_turns WHERE get_byte(sha256(convert_to(user_id, 'UTF8')), 0) % 64 = <group>
#pragma once

#include <string_view>
#include <vector>

namespace mana::metrics {

std::string_view user_group(std::string_view user);

// All of them.
const std::vector<std::string_view>& user_groups();

} // namespace mana::metrics
