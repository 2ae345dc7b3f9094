// audit_reader: shows users what was decrypted for them, and whether the chain of those rows holds.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mana {

// A row of mana_ai.decrypt_audit as it is stored, whoever wrote it.
struct audit_row {
  std::int64_t id = 0;
  user_id user;
  mission_id mission;
  std::optional<std::string> iteration_id;
  std::string table;
  std::string record;
  std::string status;
  std::optional<std::string> reason;
  // Microseconds since 1970, all the digits the database holds; nullopt: no point in time (infinity).
  std::optional<std::int64_t> at_us;
  std::string run_id;
  std::int64_t position = 0;
  std::string previous_hash; // hexadecimal, lower case
  std::string hash;
};

struct list_audit {
  user_id user;
  std::optional<mission_id> mission;
  std::optional<std::int64_t> before; // rows with smaller positions only
  std::size_t limit = 200;
};
struct audit_page {
  std::vector<audit_row> rows;             // newest first
  std::optional<std::int64_t> next_before; // of the next page; nullopt: this is the last one
};

// The newest row of a chain. An empty chain has position 0 and a hash of 64 zeros.
struct audit_head {
  std::int64_t position = 0;
  std::string hash;
  timestamp at; // the database's clock when it was read
};
struct get_audit_head {
  user_id user;
};

struct verify_audit {
  user_id user;
};
struct bad_audit_row {
  std::int64_t position = 0;
  std::int64_t id = 0;
  std::string problem; // in words
};
// The last of the rows that retention has removed: what the first row that is left continues.
struct audit_anchor {
  std::int64_t position = 0;
  std::string hash;
};
struct audit_verdict {
  std::int64_t rows = 0; // that are good, from the first one on that is left
  std::int64_t head_position = 0;
  std::string head_hash;
  std::optional<bad_audit_row> first_bad;
  std::optional<audit_anchor> anchor{}; // nullopt: the chain is there from its beginning
};

// All of them: database_* errors.
using audit_reader_actor = caf::typed_actor<
    // An unknown user has no rows.
    caf::replies_to<list_audit>::with<audit_page>, caf::replies_to<get_audit_head>::with<audit_head>,
    // Takes as long as the chain is long, in many short database jobs.
    caf::replies_to<verify_audit>::with<audit_verdict>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::list_audit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::audit_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::audit_head)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::get_audit_head)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::verify_audit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::audit_verdict)
