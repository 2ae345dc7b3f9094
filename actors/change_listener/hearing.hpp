// hearing: whether notifications arrive, and what is due to keep that so. Pure: time and randomness
// are parameters.
//
//   away ── connected ──▶ unproven ── check heard ──▶ proven ─┐
//    ▲                       │                         │  ▲   │ check heard
//    └── connection lost, or a check not heard in time ┘  └───┘
//
// A connection that is there proves nothing: its peer may be gone without a word, or a pooler may sit
// in between that swallows what it cannot attribute. Only a notification that arrived does. While it is
// not proven that they arrive, the log is polled.
#pragma once

#include "actors/scheduler/backoff.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace mana {

struct hearing_rules {
  std::chrono::milliseconds check_every{5'000};
  std::chrono::milliseconds heard_within{5'000};
  std::chrono::milliseconds poll_every{2'000}; // on average: replicas that are deaf together poll apart
  backoff reconnect{
      .least = std::chrono::milliseconds{100}, .base = std::chrono::milliseconds{400}, .max = std::chrono::seconds{10}};
};

class hearing {
public:
  using time_point = std::chrono::steady_clock::time_point;
  enum class task : std::uint8_t {
    connect,
    check,   // have a notification sent to this connection
    give_up, // a check was not heard in time: treat the connection as lost
    poll
  };

  explicit hearing(hearing_rules rules) : rules_(rules) {}

  // What to do now, the most urgent first; each is due until it is reported below.
  std::optional<task> due(time_point now) const;
  bool proven() const { return phase_ == phase::proven; }

  void connected(time_point now);
  void lost(time_point now, double random); // also: could not connect, gave up
  void check_started(time_point now);
  // The notification could not be sent, which says nothing about the connection that waits for it.
  void check_not_sent(time_point now);
  // True when this is what proved the connection.
  bool check_heard(time_point now);
  void polled(time_point now, double random);

private:
  enum class phase : std::uint8_t { away, unproven, proven };

  hearing_rules rules_;
  phase phase_ = phase::away;
  time_point connect_at_{};
  time_point connected_at_{};
  time_point check_at_{};
  std::optional<time_point> heard_by_; // a check is under way
  time_point poll_at_{};
  unsigned losses_ = 0; // since a connection last held for a while
};

} // namespace mana
