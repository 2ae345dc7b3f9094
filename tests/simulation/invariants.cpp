#include "tests/simulation/invariants.hpp"

#include "actors/mission/iteration.hpp"

#include <algorithm>

namespace mana::sim {

namespace {

std::string name_of(const lease& l) { return l.key.user.value + "/" + l.key.mission.value + " " + l.token.value; }

} // namespace

std::string granted_text(const user_id& user, std::string_view record) {
  return "Vertrauliches " + user.value + ":" + std::string{record} + ".";
}

void invariants::violated(std::string rule, const std::string& what) {
  log_("VIOLATION", rule + ":", what);
  if (!violation_)
    violation_ = std::move(rule) + ": " + what;
}

invariants::run* invariants::find(const lease& held, const char* doing) {
  auto it = runs_.find(held.token);
  if (it == runs_.end() || it->second.held != held) {
    violated("leases are the database's", std::string{doing} + " with an unknown lease " + name_of(held));
    return nullptr;
  }
  return &it->second;
}

void invariants::must_be_live(const lease& held, const char* doing) {
  auto* r = find(held, doing);
  if (r != nullptr && !live(*r))
    violated("no write without a live lease", std::string{doing} + " " + name_of(held));
}

// -- the database -------------------------------------------------------------------------------------

void invariants::claimed(const claimed_mission& m, const std::optional<std::string>& grant, timestamp until) {
  for (auto& [token, other] : runs_)
    if (other.held.key == m.held.key && live(other))
      violated("one lease per mission", name_of(m.held) + " beside " + token.value);
  if (quarantined_.contains(m.held.key))
    violated("a quarantined mission is never claimed", name_of(m.held));
  if (m.crashes > crashes_[m.held.key])
    violated("a tab that goes away is nobody's crash", name_of(m.held));
  run r;
  r.held = m.held;
  r.slot = m.slot;
  r.claimed_at = now_();
  r.until = until;
  r.attempt = m.attempt;
  r.crashes = m.crashes;
  r.grant = grant;
  check_limits(runs_.insert_or_assign(m.held.token, std::move(r)).first->second);
}

void invariants::check_limits(const run& started) {
  auto& user = started.held.key.user;
  auto limits = limits_[user];
  auto hour = std::chrono::floor<std::chrono::hours>(now_());
  std::size_t in_flight = 0;
  std::size_t in_hour = 0;
  for (auto& [token, r] : runs_) {
    if (r.held.key.user != user)
      continue;
    in_flight += live(r) ? 1 : 0;
    in_hour += r.counts && std::chrono::floor<std::chrono::hours>(r.claimed_at) == hour ? 1 : 0;
  }
  if (in_flight > limits.runs_in_flight)
    violated("runs in flight stay within the user's limit", name_of(started.held));
  if (limits.runs_per_hour > 0 && in_hour > limits.runs_per_hour)
    violated("runs per hour stay within the user's limit", name_of(started.held));
}

void invariants::renewed(const lease& held, timestamp until) {
  auto* r = find(held, "renewal");
  if (r == nullptr)
    return;
  if (!live(*r))
    violated("a lease that has ended is not revived", name_of(held));
  r->until = until;
}

void invariants::released(const lease& held, bool counts) {
  must_be_live(held, "release");
  auto* r = find(held, "release");
  if (r == nullptr)
    return;
  r->over = true;
  r->counts = counts;
}

void invariants::tab_wrote(const lease& held, const std::string& iteration, const std::string& started_at) {
  auto* r = find(held, "write of a tab");
  if (r == nullptr)
    return;
  planned_by_tabs_.insert_or_assign({held.key, r->slot}, now_());
  if (!started_.try_emplace({held.key, iteration}, started_at).second)
    violated("one iteration per slot", name_of(held) + " wrote " + iteration + " in a tab");
}

// Not a write: it frees what nobody else holds, also just after the lease has ended.
void invariants::handed_back(const lease& held, bool counts) {
  auto* r = find(held, "hand back");
  if (r == nullptr)
    return;
  if (r->over)
    violated("no write without a lease", "hand back of " + name_of(held));
  r->over = true;
  r->counts = counts;
  crashes_[held.key] += counts ? 1 : 0;
}

void invariants::rescued(const lease& held, bool of_tab) {
  auto* r = find(held, "rescue");
  if (r == nullptr)
    return;
  crashes_[held.key] += of_tab ? 0 : 1;
  if (live(*r))
    violated("a live lease is not taken away", name_of(held));
  r->over = true;
}

void invariants::gone(const lease& held) {
  if (auto* r = find(held, "removal"))
    r->over = true;
}

void invariants::written(const end_run& end, const json::array& iterations) {
  must_be_live(end.held, "write");
  auto* r = find(end.held, "write");
  if (r == nullptr)
    return;
  r->over = true;
  auto own = iteration_id_of(end.held.key, r->slot);
  if (std::none_of(iterations.begin(), iterations.end(), [&](auto& i) { return i.text("id") == own; }))
    violated("a run ends its own slot", name_of(end.held));
  for (auto& i : iterations) {
    auto [known, is_new] = started_.try_emplace({end.held.key, std::string{i.text("id")}}, i.text("startedAt"));
    if (!is_new && known->second != i.text("startedAt"))
      violated("one iteration per slot", name_of(end.held) + " wrote " + std::string{i.text("id")} + " again");
  }
  auto& in_force = grants_[end.held.key];
  if (end.how == run_end::planned && r->shown_granted && r->grant != in_force)
    violated("no plan is written under a grant that is gone", name_of(end.held));
  ++(end.how == run_end::planned ? planned_ : failed_);
}

void invariants::audited(const lease& held, const std::string& record) {
  if (auto* r = find(held, "audit"))
    r->audited.insert(record);
}

std::set<std::string> invariants::iterations_of(const mission_key& key) const {
  std::set<std::string> out;
  for (auto& [id, started] : started_)
    if (id.first == key)
      out.insert(id.second);
  return out;
}

// -- users and the language model --------------------------------------------------------------------

void invariants::heard_of_withdrawal(std::size_t replica, const std::string& fingerprint) {
  heard_[replica].try_emplace(fingerprint, now_());
}

void invariants::prompted(std::size_t replica, const lease_token& token, std::string_view prompt) {
  auto it = runs_.find(token);
  if (it == runs_.end())
    return violated("leases are the database's", "a prompt under the unknown lease " + token.value);
  auto& r = it->second;
  auto by_tab = planned_by_tabs_.find({r.held.key, r.slot});
  if (by_tab != planned_by_tabs_.end() && by_tab->second < r.claimed_at)
    violated("a slot that a tab has planned is not planned again", name_of(r.held));
  if (r.attempt > max_attempts)
    violated("attempts stay within their limit", name_of(r.held) + " asks in attempt " + std::to_string(r.attempt));
  if (r.crashes >= crashes_to_quarantine)
    violated("a mission that ended its runner thrice is not run again", name_of(r.held));
  check_shown(replica, r, prompt);
}

void invariants::check_shown(std::size_t replica, run& r, std::string_view prompt) {
  auto mark = granted_text(r.held.key.user, "");
  mark.pop_back(); // the full stop
  for (auto at = prompt.find(mark); at != std::string_view::npos; at = prompt.find(mark, at)) {
    at += mark.size();
    auto record = std::string{prompt.substr(at, prompt.find('.', at) - at)};
    if (!r.audited.contains(record))
      violated("no decrypt is used before its audit row is stored", name_of(r.held) + " shows " + record);
    r.shown_granted = true;
  }
  if (!r.shown_granted || !r.grant)
    return;
  auto& heard = heard_[replica];
  auto known = heard.find(*r.grant);
  if (known != heard.end() && known->second < now_())
    violated("no call under a grant whose end the replica knows", name_of(r.held));
}

void invariants::answered(const lease_token& token, std::int64_t tokens) {
  auto it = runs_.find(token);
  if (it == runs_.end())
    return;
  it->second.tokens += tokens;
  auto& user = it->second.held.key.user;
  auto most = limits_[user].tokens_per_day;
  auto day = std::chrono::floor<std::chrono::days>(it->second.claimed_at);
  if (most > 0 && tokens_of_day(user, day) > most)
    violated("tokens per day stay within the user's limit", name_of(it->second.held));
}

// By the day of the claim, which has set them aside.
std::int64_t invariants::tokens_of_day(const user_id& user, timestamp day) const {
  std::int64_t sum = 0;
  for (auto& [token, r] : runs_)
    if (r.held.key.user == user && std::chrono::floor<std::chrono::days>(r.claimed_at) == day)
      sum += r.tokens;
  return sum;
}

} // namespace mana::sim
