// Appending a client's changes to the log, under the user's scope.
#pragma once

#include "actors/change_pusher/push_request.hpp"
#include "messages/ids.hpp"

#include <cstddef>
#include <string>

namespace mana::pg {
class connection;
}

namespace mana {

// One transaction. Rows whose event the user has in the log already are left out. Returns how many were
// appended. Throws libpqxx's exceptions.
std::size_t append_rows(pg::connection& db, const user_id& user, const std::string& app, const push_request& push);

} // namespace mana
