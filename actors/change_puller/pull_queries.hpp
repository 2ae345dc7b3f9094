// Reading a page of a user's change log under the user's scope: the query names the user, and row level
// security judges every row again.
#pragma once

#include "actors/change_puller/cursor.hpp"
#include "messages/change_puller.hpp"

#include <cstddef>

namespace mana::pg {
class connection;
}

namespace mana {

inline constexpr std::size_t default_page_rows = 500;
inline constexpr std::size_t max_page_rows = 1000;
inline constexpr std::size_t max_page_bytes = 4 * 1024 * 1024; // a page ends with the row that passes it

// `from`: what.since, parsed. A cursor of another cluster starts from the beginning: transactions are
// counted anew there. Throws libpqxx's exceptions.
change_page read_page(pg::connection& db, const pull_changes& what, const starting_point& from);

} // namespace mana
