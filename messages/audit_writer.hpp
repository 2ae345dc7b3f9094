// audit_writer: makes decrypts visible to their user before they are used. Rows of many runs share a
// commit; an answer means that they are durable.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace mana {

enum class decrypt_status : std::uint8_t { ok, failed, scope_violation };
std::string_view to_string(decrypt_status s) noexcept; // ok, failed, scope-violation

// What became of one record in one run.
struct decrypt_event {
  std::string table;
  std::string record;
  decrypt_status status = decrypt_status::ok;
  std::string reason; // of contract section 2; empty when ok
};

// All events of one run. Sent again with the same lease it writes nothing twice.
struct write_audit {
  lease held; // the lease token tells runs of one slot apart
  std::string iteration_id;
  std::vector<decrypt_event> events;
};
struct audit_written {};

using audit_writer_actor = caf::typed_actor<
    // Answers when all rows are committed with synchronous_commit on. audit_unavailable when that was not
    // possible within the writer's own deadline: some may be there later, none may be relied on.
    caf::replies_to<write_audit>::with<audit_written>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::write_audit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::audit_written)
