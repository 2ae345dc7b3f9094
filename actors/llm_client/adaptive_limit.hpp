// adaptive_limit: how many calls an endpoint gets at once. Pure; counts the calls in flight itself.
//
// It starts at its maximum, the operator's word, and learns from what calls come to:
//  - A refusal (429) halves it, and so does trouble (5xx, timeouts, connections) once it is more than
//    one call in six: single errors say nothing about load. A burst counts once: calls that were
//    sent before the last decrease cause no further one.
//  - Two decreases without a success between them mean that nothing gets through, however few calls
//    there are: then one at a time, until one succeeds.
//  - Trouble leaves a few places, since a call that hangs by its own fault must not hold up all others; an endpoint
//    that answers nobody is for its circuit to cut off.
//  - Successes raise it, if the limit is in use: one by one up to a level that is known to be good, so
//    doubling per round trip, which brings the traffic back soon after a storm. Beyond that level by 1, 2,
//    4… per round trip, and only while `may_explore`: each overshoot costs refused calls.
// A decrease after successes lowers the known level to 0.95 of what was in flight, or, when failures came while
// the limit was not in use and load cannot be why, of the limit. A storm, where nothing gets through, raises it to the
// limit before: it says nothing about how much gets through on other days.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mana {

enum class limit_event : std::uint8_t {
  success,
  refused,  // too many calls, says the endpoint
  trouble,  // it fails
  unrelated // nothing was learned about load
};

class adaptive_limit {
public:
  // Of a call in flight; to be handed back exactly once.
  struct permit {
    std::uint64_t period = 0;
  };

  explicit adaptive_limit(std::size_t most);

  std::size_t limit() const { return limit_; }
  std::size_t in_flight() const { return in_flight_; }
  bool has_place() const { return in_flight_ - written_off_ < limit_; }

  permit take();
  // Calls in flight take no place any more and teach nothing: an endpoint that was gone will hardly answer
  // them, but they may last until their deadlines.
  void write_off();
  // True when the limit was decreased and nothing had succeeded since the decrease before.
  bool give_back(permit p, limit_event what, bool may_explore);

private:
  void grow(bool may_explore);
  bool decrease(limit_event why);

  std::size_t most_;
  std::size_t limit_;
  std::size_t known_good_;
  std::size_t before_storm_; // the limit at the first decrease of a series
  std::size_t in_flight_ = 0;
  std::size_t written_off_ = 0;          // of them
  std::uint64_t written_off_before_ = 0; // those of earlier periods
  std::uint64_t period_ = 0;             // counts the decreases and write-offs
  // Of this period:
  std::size_t peak_ = 0;
  std::size_t round_ = 0; // successes since the last step beyond the known level
  std::size_t step_ = 1;
  double trouble_ = 0;
  bool works_ = false;
};

} // namespace mana
