// change_notice: what the trigger on public.sync_changes says about a commit (migration
// mana_sync/001_cursor_and_notices): {"to": 32 hex digits, "app", "tables"}.
#pragma once

#include "messages/session_registry.hpp"

#include <optional>
#include <string_view>

namespace mana {

inline constexpr const char* changes_channel = "mana_sync_changes";

// Anything of another form is nullopt, since every login of the database may notify on any channel.
std::optional<change_notice> parse_change_notice(std::string_view payload);

} // namespace mana
