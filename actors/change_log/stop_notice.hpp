// stop_notice: how one replica tells all of them that runs must end at once. A notification that is lost
// with its connection costs a language model's answer: the writer refuses the run's result all the same.
#pragma once

#include "infra/postgres/connection.hpp"
#include "messages/scheduler.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

inline constexpr const char* stop_channel = "mana_ai_stop_runs";

// `grant:<32 hex digits>` or `user:<64 hex digits>`, lower case; anything else is nullopt, since every
// login of the database may notify on any channel.
std::optional<stop_runs> parse_stop_notice(std::string_view payload);

// One notification per grant, sent when the caller's transaction commits.
void announce_revoked_grants(pqxx::transaction_base& tx, const std::vector<std::string>& fingerprints);

} // namespace mana
