// The database model's line of users, leases and budgets: 003_claim and what replaced it.
#include "tests/simulation/database_model.hpp"

#include "actors/mission/iteration.hpp"

#include <algorithm>

namespace mana::sim {

namespace {

timestamp hour_of(timestamp t) { return std::chrono::floor<std::chrono::hours>(t); }
timestamp day_of(timestamp t) { return std::chrono::floor<std::chrono::days>(t); }

} // namespace

// -- claims -----------------------------------------------------------------------------------------

std::vector<user_id> database_model::line() const {
  std::vector<std::pair<timestamp, user_id>> waiting;
  for (auto& [user, turn] : users_)
    if (turn.queue_at && *turn.queue_at <= now_())
      waiting.emplace_back(*turn.queue_at, user);
  std::sort(waiting.begin(), waiting.end());
  std::vector<user_id> out;
  for (auto& [at, user] : waiting)
    out.push_back(std::move(user));
  return out;
}

// A window that is over starts anew: with the tokens that runs in flight hold, so that what they give back when they
// end is in there.
void database_model::roll_windows(const user_id& user, user_turn& turn) const {
  if (turn.hour_at < hour_of(now_())) {
    turn.hour_at = hour_of(now_());
    turn.runs_in_hour = 0;
  }
  if (turn.day_at >= day_of(now_()))
    return;
  turn.day_at = day_of(now_());
  turn.tokens_in_day = 0;
  for (auto& [key, s] : snapshots_)
    if (key.user == user && s.token)
      turn.tokens_in_day += s.reserved;
}

database_model::room database_model::room_of(const user_id& user, std::size_t per_user) const {
  constexpr std::size_t no_limit = 1'000;
  auto turn = users_.at(user);
  roll_windows(user, turn);
  auto& limits = turn.limits;
  auto in_flight = static_cast<std::size_t>(std::count_if(
      snapshots_.begin(), snapshots_.end(), [&](auto& s) { return s.first.user == user && s.second.token; }));
  room out{per_user - std::min(per_user, in_flight), no_limit, no_limit};
  if (is(broken_rule::in_flight_not_limited))
    out.in_flight = no_limit;
  if (limits.runs_per_hour > 0 && !is(broken_rule::runs_in_hour_not_counted))
    out.by_hour = limits.runs_per_hour - std::min(limits.runs_per_hour, turn.runs_in_hour);
  auto left = std::max<std::int64_t>(0, limits.tokens_per_day - turn.tokens_in_day);
  if (limits.tokens_per_day > 0 && !(is(broken_rule::tokens_not_reserved) && left > 0))
    out.by_tokens = static_cast<std::size_t>(left / tokens_per_run);
  return out;
}

// Each user's first missions before anybody's second.
std::vector<database_model::candidate> database_model::candidates(const std::vector<user_id>& users,
                                                                  const std::vector<room>& rooms) const {
  std::vector<candidate> out;
  for (std::size_t place = 0; place < users.size(); ++place) {
    std::vector<std::pair<timestamp, mission_key>> due;
    for (auto& [key, s] : snapshots_) {
      auto at = s.claimable_at;
      if (is(broken_rule::claim_ignores_leases) && s.token && s.hold.empty())
        at = s.slot_at;
      if (key.user == users[place] && at && *at <= now_())
        due.emplace_back(*at, key);
    }
    std::sort(due.begin(), due.end());
    due.resize(std::min(due.size(), rooms[place].least()));
    for (std::size_t rank = 0; rank < due.size(); ++rank)
      out.push_back({due[rank].second, rank, place});
  }
  std::sort(out.begin(), out.end(),
            [](auto& a, auto& b) { return std::tie(a.rank, a.place) < std::tie(b.rank, b.place); });
  return out;
}

claimed_missions database_model::claim(const claim_missions& order) {
  claimed_missions out;
  auto users = line();
  std::erase_if(users, [this](auto&) { return busy(); });
  std::vector<room> rooms;
  for (auto& user : users)
    rooms.push_back(room_of(user, order.per_user));
  auto found = candidates(users, rooms);
  found.resize(std::min(found.size(), order.limit));
  std::vector<std::size_t> got(users.size());
  for (auto& c : found) {
    out.missions.push_back(take(c.key));
    ++got[c.place];
  }
  for (std::size_t i = 0; i < users.size(); ++i)
    move_in_line(users[i], rooms[i], got[i]);
  out.now = now_();
  for (auto& [user, turn] : users_)
    if (turn.queue_at && *turn.queue_at > now_())
      out.next_due_in = std::min(out.next_due_in.value_or(milliseconds::max()), milliseconds{*turn.queue_at - now_()});
  out.more_waiting = waiting().has_value();
  return out;
}

// Everybody who got something or could get nothing.
void database_model::move_in_line(const user_id& user, const room& had, std::size_t got) {
  auto next = next_claimable(user);
  if (got == 0 && had.least() > 0 && next && *next <= now_())
    return;
  auto& turn = users_[user];
  if (got > 0)
    turn.served_at = now_();
  if (had.by_tokens <= got)
    turn.held_until = day_of(now_()) + std::chrono::days{1};
  else if (had.by_hour <= got)
    turn.held_until = hour_of(now_()) + std::chrono::hours{1};
  else
    turn.held_until = {};
  turn.queue_at.reset();
  if (next && had.in_flight > got)
    turn.queue_at = std::max({now_(), turn.held_until, *next});
}

claimed_mission database_model::take(const mission_key& key) {
  auto& s = snapshots_.at(key);
  auto& turn = users_[key.user];
  roll_windows(key.user, turn);
  ++turn.runs_in_hour;
  s.reserved = is(broken_rule::tokens_not_reserved) ? 0 : tokens_per_run;
  turn.tokens_in_day += s.reserved;
  ++s.attempt;
  if (!s.text)
    s.text = std::make_shared<const std::string>(json::to_text(s.record.snapshot()));
  return leased(key, s);
}

claimed_mission database_model::leased(const mission_key& key, snapshot& s) {
  s.claimable_at.reset();
  s.token = lease_token{"lease-" + std::to_string(next_id_++)};
  s.lease_until = now_() + lease_duration;
  s.stop_requested = false;
  claimed_mission out;
  out.held = {key, *s.token};
  out.slot = *s.slot_at;
  out.attempt = s.attempt;
  out.last_error = s.last_error;
  out.record = s.text;
  out.claimed_at = now_();
  out.crashes = s.crashes;
  books_.claimed(out, s.grant, s.lease_until);
  return out;
}

std::optional<timestamp> database_model::next_claimable(const user_id& user) const {
  std::optional<timestamp> next;
  for (auto& [key, s] : snapshots_)
    if (key.user == user && s.claimable_at)
      next = std::min(next.value_or(*s.claimable_at), *s.claimable_at);
  return is(broken_rule::claim_ignores_leases) ? now_() : next;
}

// When the user joins the line: with the first mission that is claimable, but not before the last turn or while a
// budget is spent. Who gets something back is looked at anew.
void database_model::requeue(const user_id& user, std::int64_t tokens, std::size_t unrun) {
  auto& turn = users_[user];
  turn.tokens_in_day = std::max<std::int64_t>(0, turn.tokens_in_day + tokens);
  turn.runs_in_hour -= std::min(turn.runs_in_hour, unrun);
  if (tokens < 0 || unrun > 0)
    turn.held_until = {};
  auto next = next_claimable(user);
  turn.queue_at = next ? std::optional{std::max({*next, turn.served_at, turn.held_until})} : std::nullopt;
}

std::optional<milliseconds> database_model::waiting() const {
  std::optional<timestamp> first;
  for (auto& user : line())
    if (auto next = next_claimable(user))
      first = std::min(first.value_or(*next), *next);
  return first ? std::optional{std::max(milliseconds{0}, milliseconds{now_() - *first})} : std::nullopt;
}

// -- leases -----------------------------------------------------------------------------------------

snapshot* database_model::held(const lease& l, bool by_time) {
  auto it = snapshots_.find(l.key);
  if (it == snapshots_.end() || it->second.token != l.token)
    return nullptr;
  return by_time && it->second.lease_until <= now_() ? nullptr : &it->second;
}

leases_renewed database_model::renew(const std::vector<lease>& held_leases) {
  leases_renewed out;
  for (auto& l : held_leases) {
    auto* s = held(l, true);
    if (s == nullptr) {
      out.lost.push_back(l);
      continue;
    }
    if (s->stop_requested)
      out.stopped.push_back(l);
    if (busy()) // a transaction that ends the run has the row: it needs no longer lease
      continue;
    s->lease_until = now_() + lease_duration;
    books_.renewed(l, s->lease_until);
  }
  out.rescued = is(broken_rule::leases_not_rescued) ? 0 : rescue();
  out.oldest_waiting = waiting();
  return out;
}

std::size_t database_model::rescue() {
  std::size_t out = 0;
  for (auto& [key, s] : snapshots_) {
    // Who believes that a lease lasts until somebody takes it is only found out while nobody does.
    auto since = is(broken_rule::write_ignores_lease_end) ? s.lease_until + lease_duration : s.lease_until;
    if (!s.token || since > now_() || busy())
      continue;
    if (s.foreground && dirty_.contains(key) && !is(broken_rule::tabs_not_waited_for))
      continue; // what waits to be folded may be the tab's iteration
    ++out;
    books_.rescued({key, *s.token}, s.foreground);
    if (s.foreground && !is(broken_rule::tabs_are_crashes)) {
      rescue_tab(key, s);
      continue;
    }
    s.last_error = "lease_lost: the replica that ran this attempt did not finish";
    end_crashed(key, s);
  }
  return out;
}

// Nobody's crash.
void database_model::rescue_tab(const mission_key& key, snapshot& s) {
  end_lease(s);
  s.claimable_at = s.hold.empty() ? s.slot_at : std::nullopt;
  requeue(key.user);
}

// The claim ended with its runner: the mission may be what ended it. What the run may have used stays spent.
void database_model::end_crashed(const mission_key& key, snapshot& s) {
  end_lease(s);
  ++s.crashes;
  if (s.crashes > crashes_to_quarantine) {
    s.quarantined = true;
    s.hold = "quarantined";
    books_.quarantined(key);
  }
  s.claimable_at = s.hold.empty() ? s.slot_at : std::nullopt;
  if (s.claimable_at && s.crashes > 1)
    s.claimable_at = std::max(*s.claimable_at, now_() + random_.between(pause_after_crashes, 2 * pause_after_crashes));
  requeue(key.user);
}

handed_back database_model::hand_back(const std::vector<lease>& leases, bool crashed) {
  handed_back out;
  for (auto& l : leases) {
    auto* s = held(l, !crashed);
    if (s == nullptr)
      continue;
    ++out.missions;
    books_.handed_back(l, crashed);
    if (crashed) {
      s->last_error = "internal: the planner of this attempt ended";
      end_crashed(l.key, *s);
      continue;
    }
    end_lease(*s);
    s->attempt = s->attempt > 0 ? s->attempt - 1 : 0;
    s->claimable_at = s->hold.empty() && s->slot_at ? std::optional{std::max(*s->slot_at, now_())} : std::nullopt;
    requeue(l.key.user, 0, 1);
  }
  return out;
}

void database_model::end_lease(snapshot& s) {
  s.token.reset();
  s.foreground = false;
  s.stop_requested = false;
  s.reserved = 0;
}

// -- tabs -------------------------------------------------------------------------------------------

// No turn in the line, no attempt, and no tokens: those are its calls'.
std::optional<database_model::foreground_lease> database_model::claim_foreground(const mission_key& key) {
  if (dirty_.contains(key))
    refresh();
  auto it = snapshots_.find(key);
  if (it == snapshots_.end())
    return std::nullopt;
  auto& s = it->second;
  auto mission = read_mission(json::value{s.record.fields()});
  if (s.slot_at && has_iteration(mission, iteration_id_of(key, *s.slot_at)))
    return std::nullopt;
  if (s.token || mission.has_grant || s.quarantined || !s.hold.empty() || !s.claimable_at || *s.claimable_at > now_())
    return std::nullopt;
  auto& turn = users_[key.user];
  if (room_of(key.user, turn.limits.runs_in_flight).least() == 0)
    return std::nullopt;
  roll_windows(key.user, turn);
  ++turn.runs_in_hour;
  s.reserved = 0;
  auto run = leased(key, s);
  s.foreground = true;
  requeue(key.user);
  return foreground_lease{run.held.token, run.slot};
}

bool database_model::renew_foreground(const lease& l) {
  auto* s = held(l, true);
  if (s == nullptr || !s->foreground)
    return false;
  s->lease_until = now_() + lease_duration;
  books_.renewed(l, s->lease_until);
  return true;
}

void database_model::end_foreground(const lease& l) {
  if (dirty_.contains(l.key) && !is(broken_rule::tabs_not_waited_for))
    refresh();
  auto* s = held(l, false);
  if (s == nullptr || !s->foreground)
    return;
  books_.handed_back(l, false);
  end_lease(*s);
  s->claimable_at = s->hold.empty() ? s->slot_at : std::nullopt;
  requeue(l.key.user, 0, 1);
}

// What the mission waits for now is in its record: the refresher finds out.
bool database_model::release_quarantined(const mission_key& key) {
  auto it = snapshots_.find(key);
  if (it == snapshots_.end() || !it->second.quarantined)
    return false;
  it->second.quarantined = false;
  it->second.crashes = 0;
  it->second.attempt = 0;
  books_.freed(key);
  dirty_[key];
  notices_.log_changed();
  return true;
}

} // namespace mana::sim
