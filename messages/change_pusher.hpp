// change_pusher: appends a client's changes to the log, all or none, and reads what else is new.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/change_page.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace mana {

struct push_changes {
  user_id user;
  std::string app;
  std::shared_ptr<const std::string> body; // the request's, not looked at yet
};
struct changes_pushed {
  std::size_t stored = 0;
  std::size_t repeated = 0; // were there already, by their event id
  change_page page;         // from the request's `since` on, the stored ones included
};

using change_pusher_actor = caf::typed_actor<
    // bad_request names the field; limit_exceeded; unauthorized for an empty user; database_* errors;
    // commit_in_doubt: push the same events again.
    caf::replies_to<push_changes>::with<changes_pushed>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::push_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::changes_pushed)
