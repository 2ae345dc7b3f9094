// The database model's log, snapshots and ends of runs: 002_change_capture, 004_end_of_run, and the transactions of
// the refresher and the iteration writer.
#include "tests/simulation/database_model.hpp"

#include "actors/change_log/change_rows.hpp"
#include "actors/mission/cadence.hpp"
#include "actors/mission/iteration.hpp"
#include "actors/mission/schedule.hpp"
#include "infra/crypto/grant/grant.hpp"

#include <algorithm>

namespace mana::sim {

namespace {

const schedule_policy policy{max_open_iterations};

merged_record nothing_known(const mission_key& key) { return merged_record{key.mission.value, mission_merge_rules()}; }

} // namespace

// -- the log ----------------------------------------------------------------------------------------

void database_model::append(const mission_key& key, change_op op, json::value data, json::value stamps,
                            milliseconds age) {
  change c;
  auto id = std::to_string(next_id_++);
  auto created = std::chrono::microseconds{(now_() - age).time_since_epoch()};
  c.at = {created.count(), std::string(12 - std::min<std::size_t>(12, id.size()), '0') + id};
  c.op = op;
  c.data = std::move(data);
  c.field_timestamps = std::move(stamps);
  auto& history = log_[key];
  dirty_[key].push_back(history.size());
  history.push_back(std::move(c));
  notices_.log_changed();
}

merged_record database_model::whole_history(const mission_key& key) const {
  auto history = log_.find(key);
  return history == log_.end() ? nothing_known(key) : fold(key.mission.value, mission_merge_rules(), history->second);
}

std::vector<mission_key> database_model::missions() const {
  std::vector<mission_key> out;
  for (auto& [key, history] : log_)
    out.push_back(key);
  return out;
}

// -- snapshots --------------------------------------------------------------------------------------

snapshots_refreshed database_model::refresh() {
  snapshots_refreshed out;
  std::vector<std::string> withdrawn;
  for (auto& [key, rows] : std::exchange(dirty_, {})) {
    out.rows_applied += rows.size();
    auto known = snapshots_.find(key);
    bool is_new = known == snapshots_.end();
    auto record = is_new ? nothing_known(key) : std::move(known->second.record);
    auto applied = is_new ? change_position{} : known->second.applied;
    auto before = record.grants();
    std::vector<change> changes;
    for (auto row : rows)
      changes.push_back(log_[key][row]);
    if (is_new || !apply_in_place(record, applied, std::move(changes))) {
      auto history = log_[key];
      applied = std::max_element(history.begin(), history.end(), [](auto& a, auto& b) { return a.at < b.at; })->at;
      record = fold(key.mission.value, mission_merge_rules(), std::move(history));
      record.remember(before);
    }
    if (!is_new)
      for (auto& grant : record.grants().revoked.since(before.revoked))
        withdrawn.push_back(std::move(grant));
    ++(is_new ? out.created : out.updated);
    store(key, std::move(record), std::move(applied));
  }
  request_stop(withdrawn);
  if (!withdrawn.empty())
    notices_.grants_withdrawn(withdrawn);
  return out;
}

// A replica that does not hear of it learns it when it renews the lease.
void database_model::request_stop(const std::vector<std::string>& grants) {
  for (auto& [key, s] : snapshots_)
    if (s.token && s.grant && std::find(grants.begin(), grants.end(), *s.grant) != grants.end())
      s.stop_requested = true;
}

void database_model::store(const mission_key& key, merged_record record, change_position applied) {
  auto known = snapshots_.find(key);
  if (!record.exists() || record.hidden()) {
    if (known != snapshots_.end() && known->second.token)
      books_.gone({key, *known->second.token});
    if (known != snapshots_.end())
      snapshots_.erase(known);
    requeue(key.user);
    return;
  }
  bool is_new = known == snapshots_.end();
  auto in_force = record.grants().in_force;
  if (is_new)
    known = snapshots_.try_emplace(key, std::move(record), std::move(applied)).first;
  auto& s = known->second;
  if (!is_new) {
    s.stop_requested = s.stop_requested || (s.token && s.grant && s.grant != in_force);
    s.record = std::move(record);
    s.applied = std::move(applied);
  }
  s.grant = std::move(in_force);
  s.text.reset();
  schedule(key, s, is_new);
  requeue(key.user);
}

// A new slot starts with no attempts; a slot that is being retried keeps its time; a leased mission stays with its
// planner.
void database_model::schedule(const mission_key& key, snapshot& s, bool is_new) {
  auto when = schedule_of(read_mission(json::value{s.record.fields()}), policy);
  if (is(broken_rule::claim_ignores_quarantine))
    s.quarantined = false;
  auto hold = s.quarantined ? "quarantined" : when.hold_reason;
  bool same_slot = !is_new && s.slot_at == when.slot;
  if (s.foreground && !same_slot) { // the tab's iteration, or the slot was moved under it
    books_.gone({key, *s.token});
    end_lease(s);
  }
  if (s.token || !hold.empty())
    s.claimable_at.reset();
  else if (!same_slot || !s.claimable_at)
    s.claimable_at = when.slot;
  if (!same_slot && !s.token)
    s.attempt = 0;
  if (!same_slot)
    s.last_error.clear();
  s.slot_at = when.slot;
  s.hold = std::move(hold);
}

// -- records and audit --------------------------------------------------------------------------------

records_read database_model::read(const read_records& order) const {
  records_read out;
  for (auto& ref : order.refs)
    if (auto found = records_.find({order.user, ref}); found != records_.end())
      out.records.push_back(found->second);
  return out;
}

void database_model::append_audit(const write_audit& order) {
  for (auto& event : order.events)
    if (event.status == decrypt_status::ok)
      books_.audited(order.held, event.record);
}

// -- ends of runs -------------------------------------------------------------------------------------

result<run_ended> database_model::end(const end_run& end) {
  return end.how == run_end::retry || end.how == run_end::parked ? release(end) : write(end);
}

result<run_ended> database_model::release(const end_run& end) {
  auto* s = held(end.held, !is(broken_rule::write_ignores_lease_end));
  if (s == nullptr)
    return failure{errc::lease_lost, "not held"};
  bool counts = end.how == run_end::retry;
  books_.released(end.held, counts);
  auto charged = end.tokens - s->reserved;
  end_lease(*s);
  s->crashes = 0;
  bool moved = s->slot_at != end.slot;
  if (!s->hold.empty() || !s->slot_at)
    s->claimable_at.reset();
  else
    s->claimable_at = moved ? *s->slot_at : std::max(*s->slot_at, now_() + end.retry_after);
  if (is(broken_rule::retry_forgets_slot))
    s->claimable_at.reset();
  s->attempt = moved ? 0 : counts || s->attempt == 0 ? s->attempt : s->attempt - 1;
  s->last_error = moved ? "" : std::string{to_string(end.error_code)} + ": " + end.error_detail;
  requeue(end.held.key.user, charged, counts ? 0 : 1);
  return run_ended{};
}

result<run_ended> database_model::write(const end_run& end) {
  auto& key = end.held.key;
  auto* s = held(end.held, !is(broken_rule::write_ignores_lease_end));
  if (s == nullptr && is(broken_rule::write_ignores_token) && snapshots_.contains(key))
    s = &snapshots_.at(key);
  if (s == nullptr)
    return is_written(end) ? result<run_ended>{run_ended{true}} : failure{errc::lease_lost, "not held"};
  auto before = s->record.grants();
  freshen(key, *s);
  if (!s->record.exists() || s->record.hidden())
    return failure{errc::lease_lost, "the mission is gone"};
  auto grants = s->record.grants();
  s->grant = grants.in_force;
  s->text.reset();
  if (auto withdrawn = grants.revoked.since(before.revoked); !withdrawn.empty())
    notices_.grants_withdrawn(withdrawn);
  auto& used = end.grant_fingerprint;
  bool gone = end.how == run_end::planned && !used.empty() && (grants.in_force != used || grants.revoked.holds(used));
  if (gone && !is(broken_rule::write_ignores_grant))
    return failure{errc::grant_revoked, "replaced or withdrawn during the run"};
  write_iteration(end, *s);
  return run_ended{true};
}

// Edits that no refresh has folded yet must not be overwritten. They stay queued.
void database_model::freshen(const mission_key& key, snapshot& s) {
  auto pending = dirty_.find(key);
  if (pending == dirty_.end())
    return;
  std::vector<change> changes;
  for (auto row : pending->second)
    changes.push_back(log_[key][row]);
  auto before = s.record.grants();
  if (apply_in_place(s.record, s.applied, std::move(changes)))
    return;
  auto history = log_[key];
  s.applied = std::max_element(history.begin(), history.end(), [](auto& a, auto& b) { return a.at < b.at; })->at;
  s.record = fold(key.mission.value, mission_merge_rules(), std::move(history));
  s.record.remember(before);
}

void database_model::write_iteration(const end_run& end, snapshot& s) {
  auto& key = end.held.key;
  auto fresh = read_mission(json::value{s.record.fields()});
  auto iteration = finished_at(*json::parse(*end.iteration), now_());
  for (auto& known : fresh.iterations)
    if (known.text("id") == iteration.text("id"))
      iteration = known;
  std::optional<timestamp> next;
  if (fresh.next_run_at && *fresh.next_run_at != end.slot)
    next = fresh.next_run_at; // the user has moved it
  else if (auto planned = next_slot(fresh.cadence, end.slot, now_(), "UTC"); planned && !end.unschedulable)
    next = *planned;
  auto back = make_write_back(s.record, iteration, now_(), next);
  auto id = std::to_string(next_id_++);
  change own{{std::chrono::microseconds{now_().time_since_epoch()}.count(),
              std::string(12 - std::min<std::size_t>(12, id.size()), '0') + id},
             change_op::update,
             back.data,
             back.field_timestamps};
  s.record.apply(own);
  s.applied = std::max(s.applied, own.at);
  books_.written(end, *own.data.find("iterations")->as_array());
  log_[key].push_back(std::move(own));
  auto charged = end.tokens - s.reserved;
  end_lease(s);
  s.crashes = 0;
  s.attempt = 0;
  s.last_error = end.how == run_end::failed ? std::string{to_string(end.error_code)} : "";
  if (end.quarantine) {
    s.quarantined = true;
    books_.quarantined(key);
  }
  s.slot_at.reset();
  schedule(key, s, true);
  requeue(key.user, charged);
}

bool database_model::is_written(const end_run& end) const {
  auto it = snapshots_.find(end.held.key);
  auto iteration = json::parse(*end.iteration);
  return it != snapshots_.end() && iteration
         && has_iteration(read_mission(json::value{it->second.record.fields()}), iteration->text("id"));
}

} // namespace mana::sim
