// Which elements of a keyed list stay in the record: the newest ones by (`startedAt`, `id`), and those
// that await review, however old. The log keeps all of them.
#pragma once

#include "infra/json/value.hpp"

#include <cstddef>

namespace mana {

// By `startedAt`, then `id`.
void sort_by_start(json::array& list);

bool awaits_review(const json::value& element);

// Whether that many elements of the sorted list started after this one.
bool is_beyond(const json::array& sorted, std::size_t newest, const json::value& element);

// Takes out of a sorted list what does not stay, and returns it.
json::array take_expired(json::array& sorted, std::size_t newest);

} // namespace mana
