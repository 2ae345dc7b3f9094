// iteration_writer: ends runs. Every end is one fenced write: it happens if and only if the lease
// is still the mission's lease. Ends of several missions share a commit.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace mana {

// What the run came to.
enum class run_end : std::uint8_t {
  planned, // `iteration` is written, nextRunAt advances
  failed,  // like planned, with a failed iteration that says why
  retry,   // nothing in the log; claimable again after `retry_after`, attempt kept
  parked,  // like retry, but the attempt is not counted: nobody's fault (circuit open, shutdown)
};

struct end_run {
  lease held;
  timestamp slot;
  run_end how = run_end::retry;
  // planned, failed: the iteration as JSON object text, without `startedAt` and `finishedAt`:
  // the writer sets both to the commit's time.
  std::shared_ptr<const std::string> iteration;
  // planned: the grant whose records the plan may have been made from (crypto::grant_fingerprint); empty: none was
  // used. When it is not the mission's grant any more, nothing is written: grant_revoked.
  std::string grant_fingerprint;
  // failed because the cadence is unusable: nextRunAt becomes null instead of advancing.
  bool unschedulable = false;
  // retry, parked
  std::chrono::milliseconds retry_after{0};
  errc error_code = errc::internal; // retry, parked, failed
  std::string error_detail;
  std::int64_t tokens = 0; // that the run's LLM calls used, prompt and completion; settles what the claim reserved
  // failed: the mission is not claimed again until it is released (mission_directory).
  bool quarantine = false;
};

struct run_ended {
  bool written = false; // an iteration is in the log now
};

using iteration_writer_actor = caf::typed_actor<
    // Answers when committed. lease_lost, grant_revoked: nothing was written and never will be; after
    // grant_revoked the lease is still held. database_* errors;
    // after commit_in_doubt the writer itself looks whether the iteration is there before it answers.
    caf::replies_to<end_run>::with<run_ended>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::end_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::run_ended)
