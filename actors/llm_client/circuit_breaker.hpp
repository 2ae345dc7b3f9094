// circuit_breaker: when an endpoint fails too often, stop asking it for a while. Pure: functions of
// (rules, state, event, now).
//
//   closed ── failures reach the threshold ──▶ open ── open_for has passed ──▶ half open
//     ▲                                         ▲                                  │
//     └────────── a probe is answered ──────────┼──────────────────────────────────┤
//                                               └────────── a probe fails ─────────┘
//
// Closed: a failure adds one, a success takes one away, so that only an endpoint that fails more
// often than it answers is cut off; a count older than `window` is forgotten. Every admission comes
// with a permit of the phase it was given in. What a permit of an earlier phase reports is ignored:
// the thousand calls that were under way when the circuit opened say nothing about now.
//
// Each opening after a failed probe lasts twice as long, up to open_max, less a random part of up to a
// quarter. A probe that gets no answer within such a time makes room for another one, since an endpoint
// that hung may be well again long before the probe's deadline; then the last probe under way decides.
// A circuit that opens again before it has seen failure_threshold successes goes on where it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace mana {

using circuit_time = std::chrono::steady_clock::time_point;

struct circuit_rules {
  unsigned failure_threshold = 20;
  std::chrono::milliseconds window{30'000}; // between two failures that count together
  std::chrono::milliseconds open_for{10'000};
  unsigned half_open_probes = 1;              // at once
  std::chrono::milliseconds open_max{30'000}; // below open_for: never longer than open_for
};

enum class circuit_phase : std::uint8_t { closed, open, half_open };

struct circuit_state {
  circuit_phase phase = circuit_phase::closed;
  std::uint64_t generation = 0; // counts the changes of phase
  unsigned failures = 0;        // closed
  circuit_time last_failure{};  // closed
  unsigned successes = 0;       // closed, after an opening: up to the threshold
  unsigned openings = 0;        // in a row
  circuit_time open_until{};    // open
  unsigned probes = 0;          // half open: under way
  circuit_time next_probe{};    // half open: when the probes under way count as unanswered
  friend bool operator==(const circuit_state&, const circuit_state&) = default;
};

// To be handed back through record() exactly once.
struct circuit_permit {
  std::uint64_t generation = 0;
};

enum class circuit_event : std::uint8_t {
  success,
  failure,  // the endpoint is in trouble: 5xx, timeout, no or a broken connection
  neutral,  // it works, but this call was refused: ends a half-open phase, counts nothing otherwise
  abandoned // nothing was learned: a probe makes room for the next one
};

struct circuit_admission {
  circuit_state state;
  std::optional<circuit_permit> permit; // none: the call is refused
};

circuit_admission admit(const circuit_rules& rules, circuit_state state, circuit_time now);
// `random` is in [0, 1).
circuit_state record(const circuit_rules& rules, circuit_state state, circuit_permit permit, circuit_event event,
                     circuit_time now, double random = 0);

// What admit() would say.
bool refuses(const circuit_rules& rules, const circuit_state& state, circuit_time now);

// Of a circuit that refuses: when it admits the next call unless a probe is answered before.
circuit_time admits_at(const circuit_state& state);

} // namespace mana
