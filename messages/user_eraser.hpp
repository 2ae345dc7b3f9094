// user_eraser: forgets an account that was deleted.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace mana {

struct erase_user {
  user_id user;
};

// How many rows there were. All zero: nothing was known of the user (any more).
struct user_erased {
  std::int64_t missions = 0;
  std::int64_t queued_changes = 0;
  std::int64_t audit_rows = 0;
};

using user_eraser_actor = caf::typed_actor<
    // Answers when everything is gone; runs of the user are told to stop. bad_request for an empty
    // id, database_* errors; may be asked again after any of them.
    caf::replies_to<erase_user>::with<user_erased>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::erase_user)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::user_erased)
