// record_reader: the input records of a mission, merged from the change log under the user's scope.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <string>
#include <vector>

namespace mana {

// Where a record lives in the log.
struct record_ref {
  std::string app;
  std::string table;
  std::string id;
  friend auto operator<=>(const record_ref&, const record_ref&) = default;
};

// Records of `table` name another record of their user in `field`: it is read with them.
struct record_link {
  std::string table;
  std::string field;
  std::string target_app;
  std::string target_table;
};

struct read_records {
  user_id user;
  std::vector<record_ref> refs;
  std::vector<record_link> links{};
};

struct record_text {
  record_ref ref;
  std::string json;     // the merged record, without stamps
  std::string linked{}; // the record it points to, likewise; empty: no link, or no such record
};

struct records_read {
  std::vector<record_text> records; // in the order of the refs; missing and deleted ones are absent
};

using record_reader_actor = caf::typed_actor<
    // Reads of several missions share a round trip. database_* errors.
    caf::replies_to<read_records>::with<records_read>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::read_records)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::records_read)
