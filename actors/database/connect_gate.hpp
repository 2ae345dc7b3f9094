// connect_gate: how the workers of a pool share a server that takes no connections. Time and
// randomness are parameters; thread-safe.
//
//   open ── an attempt fails ──▶ closed ── the pause is over ──▶ one worker tries ── fails ──▶ closed, for longer
//    ▲                                                                  │
//    └──────────────────────────── it connects ─────────────────────────┘
//
// So a server that comes back meets one attempt per pool and pause, not one per worker and job, and a
// host that does not even refuse holds up one worker and not all of them.
#pragma once

#include "actors/scheduler/backoff.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <mutex>
#include <optional>

namespace mana {

class connect_gate {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit connect_gate(backoff between) : between_(between) {}

  // nullopt: connect now, and report how it went. Else what the last attempt failed with.
  std::optional<failure> refusal(time_point now);
  void connected();
  void failed(const failure& why, time_point now, double random);

private:
  const backoff between_;
  std::mutex mutex_;
  unsigned failures_ = 0; // in a row; attempts that were under way at once count as one
  bool trying_ = false;   // one worker, while failures_ > 0
  time_point closed_until_{};
  failure last_;
};

} // namespace mana
