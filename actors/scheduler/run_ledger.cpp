#include "actors/scheduler/run_ledger.hpp"

namespace mana {

bool run_ledger::add(run_entry run) {
  auto token = run.held.token;
  auto [it, added] = runs_.try_emplace(std::move(token), std::move(run));
  if (!added)
    return false;
  awaited_ += it->second.awaited ? 1 : 0;
  ++per_user_[it->second.held.key.user];
  return true;
}

std::optional<run_entry> run_ledger::remove(const lease_token& token) {
  auto it = runs_.find(token);
  if (it == runs_.end())
    return std::nullopt;
  auto run = std::move(it->second);
  runs_.erase(it);
  awaited_ -= run.awaited ? 1 : 0;
  auto user = per_user_.find(run.held.key.user);
  if (--user->second == 0)
    per_user_.erase(user);
  return run;
}

const run_entry* run_ledger::find(const lease_token& token) const {
  auto it = runs_.find(token);
  return it == runs_.end() ? nullptr : &it->second;
}

bool run_ledger::stop(const lease_token& token, errc why) {
  auto it = runs_.find(token);
  if (it == runs_.end() || it->second.stopping)
    return false;
  it->second.stopping = why;
  return true;
}

void run_ledger::renew(std::span<const lease> held, time_point until) {
  for (auto& l : held)
    if (auto it = runs_.find(l.token); it != runs_.end())
      it->second.lease_until = until;
}

void run_ledger::await_all() {
  for (auto& [token, run] : runs_)
    run.awaited = true;
  awaited_ = runs_.size();
}

std::vector<lease> run_ledger::leases() const {
  std::vector<lease> out;
  for (auto& [token, run] : runs_)
    if (!run.stopping)
      out.push_back(run.held);
  return out;
}

std::vector<lease> run_ledger::overdue(time_point now) const {
  std::vector<lease> out;
  for (auto& [token, run] : runs_)
    if (!run.stopping && run.lease_until <= now)
      out.push_back(run.held);
  return out;
}

bool run_ledger::at_user_limit(const user_id& user) const {
  auto it = per_user_.find(user);
  return it != per_user_.end() && it->second >= max_runs_per_user_;
}

} // namespace mana
