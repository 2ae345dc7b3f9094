// session_registry: the open WebSockets of this process, and what each is to be told.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mana {

class session_outbox; // actors/session_registry/session_outbox.hpp

// The outbox is filled on the loop that the registry lives on, and only there.
struct open_session {
  user_id user;
  std::shared_ptr<session_outbox> outbox;
};
struct session_opened {};
struct close_session {
  std::shared_ptr<session_outbox> outbox;
};

// Rows of these tables were committed for whom `to` names. No tables: any; app "*": all.
struct change_notice {
  std::string to;
  std::string app;
  std::vector<std::string> tables;
};
struct changes_noticed {
  std::vector<change_notice> notices;
};
// Notices may have been missed: everybody pulls everything.
struct notices_missed {};

using session_registry_actor = caf::typed_actor<
    // Notices are passed on from before the answer. overloaded: too many of this user, or in all;
    // database_* errors. On an error the outbox has nothing to do with the registry any more.
    caf::replies_to<open_session>::with<session_opened>, caf::reacts_to<close_session>, caf::reacts_to<changes_noticed>,
    caf::reacts_to<notices_missed>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::open_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::session_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::close_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::changes_noticed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::notices_missed)
