// foreground_runs: due slots that a browser tab plans for its own user. The tab holds the lease as a replica does, and
// writes the iteration itself, through the log; the fold of that row ends the lease.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <string>

namespace mana {

struct claim_foreground_run {
  mission_key key;
};
struct foreground_run {
  lease_token token;
  timestamp slot;
  std::string iteration_id; // iteration_id_of(): the one that the runner would write for this slot
  timestamp lease_until;
};

struct renew_foreground_run {
  lease held;
};
struct foreground_run_renewed {
  timestamp lease_until;
};

struct end_foreground_run {
  lease held;
};
struct foreground_run_ended {
  bool given_back = false; // false: there was nothing to give back; so it is after the iteration was folded
};

using foreground_runs_actor = caf::typed_actor<
    // mission_unknown, mission_running, mission_has_grant, mission_held, mission_not_due; the detail is for the user.
    // database_* errors.
    caf::replies_to<claim_foreground_run>::with<foreground_run>,
    // lease_lost: it has ended by time, or the slot is another one by now; database_* errors.
    caf::replies_to<renew_foreground_run>::with<foreground_run_renewed>,
    // Whatever the token, only its own lease ends. The slot is claimable again, unless rows of the log that came before
    // have moved it. database_* errors: the lease then ends by time.
    caf::replies_to<end_foreground_run>::with<foreground_run_ended>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::claim_foreground_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::foreground_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::renew_foreground_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::foreground_run_renewed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::end_foreground_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::foreground_run_ended)
