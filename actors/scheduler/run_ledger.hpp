// run_ledger: which runs this replica holds, until when their leases can be trusted, which of them
// the current tick waits for, and how many places are free. Bookkeeping only; points in time come
// from the caller.
#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/span.hpp"
#include "messages/timestamp.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace mana {

struct run_entry {
  lease held;
  timestamp slot;
  unsigned attempt = 0;
  std::chrono::steady_clock::time_point lease_until; // unless renewed, another replica may own the mission from here on
  bool awaited = false;                              // by the current tick
  std::optional<errc> stopping;                      // its planner was told to end, for this reason
  started_span span;                                 // the root of its trace
};

class run_ledger {
public:
  using time_point = std::chrono::steady_clock::time_point;

  run_ledger(std::size_t max_runs, std::size_t max_runs_per_user)
    : max_runs_(max_runs), max_runs_per_user_(max_runs_per_user) {}

  // False, and nothing changes, when the lease is already known.
  bool add(run_entry run);
  // Removes the run; nullopt when it is unknown.
  std::optional<run_entry> remove(const lease_token& token);
  const run_entry* find(const lease_token& token) const;

  // True when this is news: the run is known and was not being stopped before.
  bool stop(const lease_token& token, errc why);
  void renew(std::span<const lease> held, time_point until);
  // The current tick waits for all runs there are.
  void await_all();

  // Of the runs that are not being stopped: all, and those whose lease may have ended by `now`.
  std::vector<lease> leases() const;
  std::vector<lease> overdue(time_point now) const;

  std::size_t size() const noexcept { return runs_.size(); }
  std::size_t free_places() const noexcept { return runs_.size() < max_runs_ ? max_runs_ - runs_.size() : 0; }
  std::size_t awaited() const noexcept { return awaited_; }
  bool at_user_limit(const user_id& user) const;

private:
  std::size_t max_runs_;
  std::size_t max_runs_per_user_;
  std::size_t awaited_ = 0;
  std::unordered_map<lease_token, run_entry> runs_;
  std::unordered_map<user_id, std::size_t> per_user_;
};

} // namespace mana
