// Reading audit rows under their user's scope: the query names the user, and row level security
// judges every row again.
#pragma once

#include "actors/audit_chain/audit_chain.hpp"

#include <cstddef>

namespace mana::pg {
class connection;
}

namespace mana {

// All of these throw libpqxx's exceptions.
audit_page list_audit_rows(pg::connection& db, const list_audit& what);
audit_head read_audit_head(pg::connection& db, const user_id& user);

// Feeds the next `limit` rows of the user to the check. True: there may be more.
bool check_next_rows(pg::connection& db, const user_id& user, chain_check& check, std::size_t limit);

} // namespace mana
