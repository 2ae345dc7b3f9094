// What may stand in a change: names and values of fields, time stamps, actors.
#pragma once

#include "infra/json/value.hpp"
#include "messages/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mana {

inline constexpr std::string_view stamp_form = "must be a time such as 2026-01-31T08:00:00.000Z";

// Exactly YYYY-MM-DDTHH:MM:SS.mmmZ, and a day that exists.
bool is_stamp(std::string_view text);

// bad_request, with `where` in front and the name behind it. `is_path`: dots reach into nested objects.
std::optional<failure> wrong_field_name(const std::string& where, std::string_view name, bool is_path);

// createdAt, updatedAt and deletedAt decide merges and must be stamps; of other fields the value must be one
// that jsonb takes and gives back: no U+0000, numbers within the range of a double.
std::optional<failure> wrong_field_value(const std::string& where, std::string_view name, const json::value& v);

// user or ai, as the contract has them; `system` is no client's to claim.
std::optional<failure> wrong_actor(const std::string& where, const json::value& actor);

} // namespace mana
