// change_puller: reads a user's change log page by page.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/change_page.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <string>

namespace mana {

struct pull_changes {
  user_id user;
  std::string app;
  std::string since;      // a page's synced_until, an ISO time, or empty: from the beginning
  std::string collection; // a table; empty: all
  std::size_t limit = 500;
};

using change_puller_actor = caf::typed_actor<
    // bad_request: since; unauthorized for an empty user; database_* errors.
    caf::replies_to<pull_changes>::with<change_page>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::pull_changes)
