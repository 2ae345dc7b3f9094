// Everything between a replica and the database: requests and answers that take their time, are lost, or come when
// nobody waits for them any more. A request that is under way may still be carried out when its sender is dead.
#pragma once

#include "messages/result.hpp"
#include "tests/simulation/event_loop.hpp"
#include "tests/simulation/seeded_random.hpp"
#include "tests/simulation/trace.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mana::sim {

using std::chrono::milliseconds;

// Longer than any of the services' timeouts for a request: one that was given up may still be carried out.
inline constexpr milliseconds longest_delay{18'000};

// Shares of requests. What is not named goes well.
struct weather {
  double refused = 0;     // nothing is done, and the replica is told at once
  double lost_before = 0; // nothing is done, and nobody says so
  double lost_after = 0;  // it is done, and nobody says so
  double slow = 0;        // request and answer take up to longest_delay each
  double in_doubt = 0.5;  // of the lost ones: the replica notices that its connection broke while COMMIT was under way
};

// One life of a replica: from its start to its end.
struct session {
  std::size_t replica = 0;
  std::string name; // for the trace
  bool alive = true;
};
using session_ptr = std::shared_ptr<const session>;

class network {
public:
  network(event_loop& loop, trace& log, std::uint64_t seed) : loop_(loop), log_(log), random_(seed) {}

  void set_weather(const weather& now) { weather_ = now; }
  // The database is away: refused, or silent.
  void set_outage(bool on, bool silent) { outage_ = on, silent_ = silent; }

  template <class Answer>
  void call(session_ptr from, const char* what, std::function<result<Answer>()> work,
            std::function<void(result<Answer>)> answered) {
    auto fate = draw();
    loop_.after(delay(), [=, this] {
      auto answer = outage_ || fate == fates::refused ? result<Answer>{failure{errc::database_unavailable, ""}}
                    : fate == fates::lost_before      ? result<Answer>{failure{errc::commit_in_doubt, ""}}
                                                      : work();
      bool lost = fate == fates::lost_before || fate == fates::lost_after || (outage_ && silent_);
      log_(from->name, what, answer ? "done" : to_string(answer.error().code), lost ? "answer lost" : "");
      if (lost && !random_.chance(weather_.in_doubt))
        return;
      if (lost)
        answer = failure{errc::commit_in_doubt, ""};
      loop_.after(delay(), [from, answered, answer] {
        if (from->alive)
          answered(answer);
      });
    });
  }

private:
  enum class fates { good, refused, lost_before, lost_after };
  fates draw() {
    auto r = random_.share();
    for (auto [share, fate] :
         {std::pair{weather_.refused, fates::refused}, std::pair{weather_.lost_before, fates::lost_before},
          std::pair{weather_.lost_after, fates::lost_after}})
      if ((r -= share) < 0)
        return fate;
    return fates::good;
  }
  milliseconds delay() {
    return random_.chance(weather_.slow) ? random_.between(milliseconds{100}, longest_delay)
                                         : random_.between(milliseconds{1}, milliseconds{8});
  }

  event_loop& loop_;
  trace& log_;
  seeded_random random_;
  weather weather_;
  bool outage_ = false;
  bool silent_ = false;
};

} // namespace mana::sim
