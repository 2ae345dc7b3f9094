// What becomes of a run that did not end in a plan: whether it is tried again, when, and what the
// user is told. Pure: attempt, policy and randomness are parameters.
#pragma once

#include "actors/scheduler/backoff.hpp"
#include "messages/iteration_writer.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mana {

enum class failure_kind {
  transient, // may pass: tried again within the slot until the attempts are used up
  parked,    // nobody's fault: tried later, the attempt is not counted
  final,     // would fail again: the slot ends at once
  lost,      // the mission is not ours any more: nothing may be written
};
failure_kind kind_of(errc code) noexcept;

struct retry_policy {
  unsigned max_attempts = 5;
  backoff between{.least = std::chrono::seconds{1}, .base = std::chrono::seconds{10}, .max = std::chrono::minutes{10}};
  // Parked runs wait for as long as the LLM client said, else for one of these; up to a quarter more, so
  // that they do not all come back at once.
  std::chrono::milliseconds circuit_pause{30'000}; // circuit open
  std::chrono::milliseconds overload_pause{5'000}; // too many calls, or the requester stops
  std::chrono::milliseconds min_told_pause{100};
  std::chrono::milliseconds max_told_pause{86'400'000}; // a provider that says more is asked once a day
};

// What comes after a slot that ends now.
enum class after_slot {
  as_planned,      // the cadence gives the next run
  nothing_planned, // a manual cadence
  unschedulable,   // the cadence cannot be used
};

struct run_verdict {
  run_end how = run_end::failed;            // failed, retry or parked
  std::chrono::milliseconds retry_after{0}; // retry, parked
  std::string summary;                      // failed: German, for the user
};

// attempt: from 1. random: in [0, 1). nullopt: `lost`. The detail of attempts_exhausted is the
// `last_error` of the claim; that of a parked LLM error may hold `retry_after=<seconds>`.
std::optional<run_verdict> judge(const failure& why, unsigned attempt, after_slot next, const retry_policy& policy,
                                 double random);

// One German sentence for the user, without technical detail.
std::string_view reason_sentence(errc code) noexcept;

// The enumerator with this name, as `last_error` starts with it (`<code>: <detail>`).
std::optional<errc> errc_named(std::string_view name) noexcept;

// The number behind `retry_after=`, seconds with up to three decimals; nullopt when there is none.
std::optional<std::chrono::milliseconds> retry_after_of(std::string_view detail) noexcept;

} // namespace mana
