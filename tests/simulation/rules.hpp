// What a simulated world is set up with, and the rules that can be broken in it on purpose.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mana::sim {

using std::chrono::milliseconds;

// A rule that the model of the database keeps. A world in which one is broken shows whether the invariants notice.
enum class broken_rule : std::uint8_t {
  none,
  claim_ignores_leases,     // a mission that is leased is claimed by a second replica
  write_ignores_token,      // whoever sends the end of a run is believed
  write_ignores_lease_end,  // a lease that has ended by time still writes
  audit_answers_early,      // "written" before anything is stored
  write_ignores_grant,      // a plan made under a grant that is gone is written
  tokens_not_reserved,      // only what runs have reported counts
  runs_in_hour_not_counted, // the limit of runs per hour has no effect
  in_flight_not_limited,    // the limit of runs in flight has no effect
  claim_ignores_quarantine, // an edit of the user frees a quarantined mission
  leases_not_rescued,       // the missions of dead replicas stay leased
  retry_forgets_slot,       // a run that is to be retried is not claimable again
  tabs_not_waited_for,      // a tab's lease ends although its iteration waits to be folded
  tabs_are_crashes,         // a tab that goes away counts as a crash of its mission
};

struct user_limits {
  std::size_t runs_in_flight = 2;
  std::size_t runs_per_hour = 0;   // 0: no limit
  std::int64_t tokens_per_day = 0; // 0: no limit
  friend bool operator==(const user_limits&, const user_limits&) = default;
};

// Twice the default: replicas look for dead ones' leases every fifteenth of it, which is most of what a world costs.
inline constexpr milliseconds lease_duration{30'000};
inline constexpr unsigned max_attempts = 3;
inline constexpr std::size_t max_open_iterations = 1;
// A claim sets so many of the user's tokens aside; a run never uses more.
inline constexpr std::int64_t tokens_per_run = 3'000;
inline constexpr std::int64_t max_tokens_per_call = tokens_per_run / 2;
// Claims in a row that may end with their runner; the next is for the failed iteration alone.
inline constexpr unsigned crashes_to_quarantine = 3;
inline constexpr milliseconds pause_after_crashes{30'000}; // from the second on

} // namespace mana::sim
