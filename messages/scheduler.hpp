// scheduler: decides when to claim and how much, starts a planner per claimed mission, keeps leases
// alive. Claims follow a tick (timer or HTTP), a changed snapshot, a due time, or a free place.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/iteration_writer.hpp"
#include "messages/span.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mana {

// Refresh, claim what is due, and answer when those missions (and the ones in flight) are done.
struct run_tick {};

struct tick_report {
  timestamp scanned_at;
  std::size_t due = 0;
  std::size_t plans_produced = 0;
  std::size_t plans_written = 0;
  std::size_t parse_failures = 0;
  std::vector<std::string> errors; // `overlap-skipped`, or `<mission>: <reason>`; at most 20
};

// Snapshots changed: something may be claimable. Many of these cost one claim.
struct work_available {};

// A planner's report, once per run.
struct run_finished {
  lease held;
  bool plan_produced = false;
  bool written = false;
  std::size_t parse_failures = 0;
  std::optional<errc> error; // why the run did not end in a plan
  std::string grant;         // how the mission's grant was judged: opened, or why not; empty: it has none
  std::size_t decrypted_records = 0;
  std::string detail;
  timestamp slot;
  unsigned attempt = 0;
  // From the slot, by the database's clock; 0 when the planner ended without a report.
  std::chrono::milliseconds due_to_claimed{0}; // 0 also when this is not the first claim for the slot
  std::chrono::milliseconds due_to_ended{0};
  std::optional<run_end> ended;             // the end that was committed; nullopt: the lease was left as it is
  std::chrono::milliseconds retry_after{0}; // retry, parked: as committed
  // Time per stage, waiting for the answer included; 0: the stage did not take place.
  std::chrono::microseconds read{0};
  std::chrono::microseconds audit{0};
  std::chrono::microseconds llm{0};
  std::chrono::microseconds write{0};
  std::int64_t tokens = 0; // prompt and completion of all LLM calls
  started_span span;       // the root of the run's trace
};

// A planner is about to use this grant (crypto::grant_fingerprint). Before the first decrypt.
struct run_uses_grant {
  lease held;
  std::string fingerprint;
};

// Runs that must end at once, on whichever replica they are: those that use a grant which was replaced
// or withdrawn, or all of a user whose account is gone. They are handed back without counting the
// attempt.
struct stop_runs {
  enum class whose : std::uint8_t { grant, user };
  whose by = whose::grant;
  std::string fingerprint; // of the grant; of a user: hex SHA-256 of the id
};

struct get_scheduler_status {};
struct scheduler_status {
  bool tick_enabled = false;
  bool tick_running = false;
  bool draining = false;
  std::size_t runs_in_flight = 0;
  std::optional<std::chrono::seconds> last_tick_age; // since the last tick that ended well
};

// Stop claiming; answers when no run is left, at the latest after `grace`: what runs then is
// stopped and handed back without counting the attempt.
struct drain {
  std::chrono::milliseconds grace{0};
};
struct drained {
  std::size_t finished = 0;
  std::size_t handed_back = 0;
};

using scheduler_actor = caf::typed_actor<
    // Never fails: what went wrong is in `errors`.
    caf::replies_to<run_tick>::with<tick_report>, caf::reacts_to<work_available>, caf::reacts_to<run_finished>,
    caf::reacts_to<run_uses_grant>, caf::reacts_to<stop_runs>,
    caf::replies_to<get_scheduler_status>::with<scheduler_status>, caf::replies_to<drain>::with<drained>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::run_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::tick_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::work_available)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::run_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::run_uses_grant)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::stop_runs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::get_scheduler_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::scheduler_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::drained)
