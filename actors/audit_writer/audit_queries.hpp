// Appending audit rows in the database.
#pragma once

#include "messages/audit_writer.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace mana::pg {
class connection;
}

namespace mana {

using audit_request = std::shared_ptr<const write_audit>;

struct audit_appended {
  std::size_t rows = 0;      // new ones
  std::vector<user_id> busy; // users whose chain somebody else is extending: nothing of them was written
};

// One statement, which is one transaction and one round trip; durable when it returns. What is there
// already, of an earlier try, is left as it is. Gives up after `limit`. Throws libpqxx's exceptions.
audit_appended append_audit(pg::connection& db, const std::vector<audit_request>& requests,
                            std::chrono::milliseconds limit);

} // namespace mana
