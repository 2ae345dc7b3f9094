// tick_progress: how far the current tick is, and its report. A tick refreshes the snapshots, claims
// until a claim comes back short, and then waits for its runs; which runs those are is in run_ledger.
#pragma once

#include "messages/scheduler.hpp"

#include <chrono>
#include <string>

namespace mana {

inline constexpr std::size_t max_tick_errors = 20;

class tick_progress {
public:
  using time_point = std::chrono::steady_clock::time_point;
  enum class phase { idle, refreshing, claiming, finishing };

  // waits_for: runs in flight already.
  void begin(time_point started, timestamp scanned_at, std::size_t waits_for);
  void refreshed();
  // Missions of a claim that is answered now belong to the tick.
  bool takes_claims() const noexcept { return phase_ == phase::refreshing || phase_ == phase::claiming; }
  void add_runs(std::size_t n) { report_.due += n; }
  // The answer of a claim the tick itself asked for; more: there may be more to claim.
  void claimed(timestamp database_now, bool more);
  void run_ended(const run_finished& run);
  // A refresh or a claim failed: the tick does not count as one that ended well.
  void failed(std::string what);
  // No more claims: what is claimed is waited for.
  void stop_claiming();

  bool running() const noexcept { return phase_ != phase::idle; }
  bool claiming() const noexcept { return phase_ == phase::claiming; }
  bool finishing() const noexcept { return phase_ == phase::finishing; }
  bool well() const noexcept { return well_; }
  time_point started() const noexcept { return started_; }
  // Ends the tick.
  tick_report end();

private:
  void add_error(std::string text);

  phase phase_ = phase::idle;
  bool well_ = true;
  time_point started_;
  tick_report report_;
};

} // namespace mana
