// tick_progress: how far the current tick is, and its report. A tick refreshes the snapshots, claims
// until a claim comes back short, and then waits for its runs; which runs those are is in run_ledger. A tick that
// somebody asked for claims again after each of them, as long as a claim leaves somebody in the line: a claim passes
// over users whom another transaction holds just then, such as the one that ends their last run.
#pragma once

#include "messages/scheduler.hpp"

#include <chrono>
#include <string>

namespace mana {

inline constexpr std::size_t max_tick_errors = 20;

// What a claim leaves to the tick: at once, or when a run has ended.
enum class more_to_claim { none, at_once, after_a_run };

class tick_progress {
public:
  using time_point = std::chrono::steady_clock::time_point;
  enum class phase { idle, refreshing, claiming, between_claims, finishing };

  // waits_for: runs in flight already.
  void begin(time_point started, timestamp scanned_at, std::size_t waits_for);
  void refreshed();
  // Missions of a claim that is answered now belong to the tick.
  bool takes_claims() const noexcept { return running() && !finishing(); }
  void add_runs(std::size_t n) { report_.due += n; }
  // The tick asks for a claim, and its answer.
  void claims() { run_ended_since_claim_ = false; }
  void claimed(timestamp database_now, more_to_claim more);
  void run_ended(const run_finished& run);
  // A refresh or a claim failed: the tick does not count as one that ended well.
  void failed(std::string what);
  // No more claims: what is claimed is waited for.
  void stop_claiming();

  bool running() const noexcept { return phase_ != phase::idle; }
  bool claiming() const noexcept { return phase_ == phase::claiming; }
  bool finishing() const noexcept { return phase_ == phase::finishing; }
  bool run_ended_since_claim() const noexcept { return run_ended_since_claim_; }
  bool well() const noexcept { return well_; }
  time_point started() const noexcept { return started_; }
  // Ends the tick.
  tick_report end();

private:
  void add_error(std::string text);

  phase phase_ = phase::idle;
  bool well_ = true;
  bool run_ended_since_claim_ = false;
  time_point started_;
  tick_report report_;
};

} // namespace mana
