#include "actors/iteration_writer/end_queries.hpp"

#include "actors/change_log/change_rows.hpp"
#include "actors/change_log/stop_notice.hpp"
#include "actors/mission/cadence.hpp"
#include "actors/mission/iteration.hpp"
#include "actors/mission/mission.hpp"
#include "infra/crypto/random_uuid.hpp"

#include <algorithm>
#include <set>

namespace mana {

namespace {

using results = std::vector<result<run_ended>>;

constexpr std::size_t max_error_length = 300;

// A run whose lease is held by this transaction.
struct locked_run {
  const end_run* run = nullptr;
  std::size_t index = 0; // in the batch's results
  std::optional<merged_record> record;
  grant_state grants_before; // as the snapshot has them
  change_position applied;
  std::vector<std::string> pending; // rows of the log that are not in the record yet
  bool refold = false;
  timestamp now;
};

std::string error_text(const end_run& r) {
  auto text = std::string{to_string(r.error_code)} + ": " + r.error_detail;
  return text.substr(0, max_error_length);
}

struct lease_columns {
  pg::text_array users, missions, tokens;
  void add(const lease& l) {
    users.add(l.key.user.value);
    missions.add(l.key.mission.value);
    tokens.add(l.token.value);
  }
};

// The runs in the order of their users, as the locks want it.
std::vector<std::size_t> order_of(const std::vector<end_run>& runs, bool releases) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if ((runs[i].how == run_end::retry || runs[i].how == run_end::parked) == releases)
      out.push_back(i);
  std::sort(out.begin(), out.end(), [&](auto a, auto b) { return runs[a].held < runs[b].held; });
  return out;
}

// -- releases -------------------------------------------------------------------------------------

void release(pg::connection& db, const std::vector<end_run>& runs, results& out) {
  auto order = order_of(runs, true);
  if (order.empty())
    return;
  lease_columns leases;
  pg::bigint_array slots, delays, tokens;
  pg::text_array counts, errors;
  for (auto i : order) {
    leases.add(runs[i].held);
    slots.add(pg::to_us(runs[i].slot));
    delays.add(runs[i].retry_after.count());
    counts.add(runs[i].how == run_end::retry ? "t" : "f");
    errors.add(error_text(runs[i]));
    tokens.add(runs[i].tokens);
  }
  auto rows = db.exec("SELECT ord FROM mana_ai.release_runs($1::text[], $2::text[], $3::uuid[], $4::bigint[],"
                      " $5::bigint[], $6::boolean[], $7::text[], $8::bigint[])",
                      leases.users.str(), leases.missions.str(), leases.tokens.str(), slots.str(), delays.str(),
                      counts.str(), errors.str(), tokens.str());
  for (const auto& row : rows)
    out[order[row[0].as<std::size_t>() - 1]] = run_ended{};
}

// -- write-backs ----------------------------------------------------------------------------------

void load(locked_run& l, const json::value& snapshot) {
  l.grants_before.revoked = grant_memory::of(snapshot);
  auto record = merged_record::from_snapshot(l.run->held.key.mission.value, mission_merge_rules(), snapshot);
  if (!record)
    return;
  l.record = std::move(*record);
  l.grants_before = l.record->grants();
}

// The runs that may be written now. Those that used a grant which somebody is changing are to be tried again: until
// that change is committed, or is not, nobody can say what the grant is.
std::vector<std::size_t> with_settled_grants(pqxx::transaction_base& tx, const std::vector<end_run>& runs,
                                             std::vector<std::size_t> order, results& out) {
  auto uses_grant = [&](std::size_t i) {
    return runs[i].how == run_end::planned && !runs[i].grant_fingerprint.empty();
  };
  std::set<std::string> users;
  for (auto i : order)
    if (uses_grant(i))
      users.insert(runs[i].held.key.user.value);
  if (users.empty())
    return order;
  pg::text_array asked;
  for (auto& user : users)
    asked.add(user);
  std::set<std::string> settled;
  for (const auto& row : pg::connection::exec_in(tx, "SELECT mana_ai.hold_grants($1::text[])", asked.str()))
    settled.insert(row[0].as<std::string>());
  std::erase_if(order, [&](std::size_t i) {
    bool waits = uses_grant(i) && !settled.contains(runs[i].held.key.user.value);
    if (waits)
      out[i] = failure{errc::database_conflict, "a grant of the user is being changed"};
    return waits;
  });
  return order;
}

std::vector<locked_run> lock_all(pqxx::transaction_base& tx, const std::vector<end_run>& runs,
                                 const std::vector<std::size_t>& order) {
  lease_columns leases;
  for (auto i : order)
    leases.add(runs[i].held);
  auto rows = pg::connection::exec_in(tx, "SELECT * FROM mana_ai.lock_runs($1::text[], $2::text[], $3::uuid[])",
                                      leases.users.str(), leases.missions.str(), leases.tokens.str());
  std::vector<locked_run> out;
  for (const auto& row : rows) {
    locked_run l;
    l.index = order[row["ord"].as<std::size_t>() - 1];
    l.run = &runs[l.index];
    l.applied = {row["applied_us"].as<std::int64_t>(), row["applied_id"].as<std::string>()};
    l.now = pg::time_from_us(row["now_us"].as<std::int64_t>());
    l.refold = row["refold"].as<bool>();
    if (!row["pending"].is_null()) {
      auto parser = row["pending"].as_array();
      for (auto item = parser.get_next(); item.first != pqxx::array_parser::juncture::done; item = parser.get_next())
        if (item.first == pqxx::array_parser::juncture::string_value)
          l.pending.push_back(item.second);
    }
    auto parsed = json::parse(pg::view(row["record"]));
    if (parsed)
      load(l, *parsed);
    l.refold = l.refold || !l.record;
    out.push_back(std::move(l));
  }
  return out;
}

// Brings the record to what is committed in the log: edits of the user that the refresher has not
// folded yet must not be overwritten.
void freshen(pqxx::transaction_base& tx, locked_run& l) {
  auto& key = l.run->held.key;
  if (!l.refold && !l.pending.empty()) {
    std::vector<change_key> keys;
    for (auto& id : l.pending)
      keys.push_back({key.user, id});
    std::vector<change> changes;
    for (auto& c : read_named_changes(tx, keys))
      if (c)
        changes.push_back(std::move(*c));
    l.refold = !apply_in_place(*l.record, l.applied, std::move(changes));
  }
  if (!l.refold)
    return;
  auto history = read_histories(tx, {{key.user, {"ai", "aiMissions", key.mission.value}}}).front();
  if (!history.empty())
    l.applied = history.back().at;
  l.record = fold(key.mission.value, mission_merge_rules(), std::move(history));
  l.record->remember(l.grants_before);
}

// The grant that the plan was made under is not the mission's any more.
bool grant_is_gone(const locked_run& l) {
  auto& used = l.run->grant_fingerprint;
  if (l.run->how != run_end::planned || used.empty())
    return false;
  auto grants = l.record->grants();
  return grants.in_force != used || grants.revoked.holds(used);
}

// So that the run that follows at once starts from what was found here and not from the old snapshot. Its
// schedule is left to the refresher: the changes are still queued for it.
void store_record_only(pqxx::transaction_base& tx, const locked_run& l) {
  auto& key = l.run->held.key;
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", key.user.value);
  pg::connection::exec_in(tx,
                          "UPDATE mana_ai.mission_snapshots SET record = $3::jsonb, last_applied_at ="
                          " timestamptz 'epoch' + $4::bigint * interval '1 microsecond', last_applied_id = $5::uuid,"
                          " updated_at = now() WHERE user_id = $1 AND mission_id = $2 AND lease_token = $6::uuid"
                          " AND lease_until > clock_timestamp()",
                          key.user.value, key.mission.value, json::to_text(l.record->snapshot()),
                          l.applied.created_at_us, l.applied.id, l.run->held.token.value);
}

// The next slot, unless the user has moved it while the mission was being planned.
std::optional<timestamp> next_slot_of(const locked_run& l, const mission& fresh, const std::string& default_zone) {
  if (fresh.next_run_at && *fresh.next_run_at != l.run->slot)
    return fresh.next_run_at;
  if (l.run->unschedulable)
    return std::nullopt;
  auto next = next_slot(fresh.cadence, l.run->slot, l.now, fresh.time_zone.empty() ? default_zone : fresh.time_zone);
  return next ? *next : std::nullopt;
}

struct write_columns {
  lease_columns leases;
  pg::text_array changes, data, stamps, records, applied_ids, holds, errors, quarantines;
  pg::bigint_array applied, slots, tokens;
};

// The run's iteration; the one in the record, when the slot has one already: the user may have
// reviewed it since.
json::value iteration_of(const locked_run& l, const mission& fresh) {
  auto parsed = json::parse(*l.run->iteration);
  auto iteration = parsed ? std::move(*parsed) : json::value{};
  for (auto& known : fresh.iterations)
    if (known.text("id") == iteration.text("id"))
      return known;
  return finished_at(std::move(iteration), l.now);
}

void add_write(write_columns& w, locked_run& l, const write_policy& policy) {
  auto fresh = read_mission(json::value{l.record->fields()});
  auto back =
      make_write_back(*l.record, iteration_of(l, fresh), l.now, next_slot_of(l, fresh, policy.default_time_zone));
  change own{{pg::to_us(l.now), random_uuid()}, change_op::update, back.data, back.field_timestamps};
  l.record->apply(own);
  auto applied = std::max(l.applied, own.at);
  auto snapshot = l.record->snapshot();
  auto when = schedule_of(read_mission(snapshot), policy.schedule);
  w.leases.add(l.run->held);
  w.changes.add(own.at.id);
  w.data.add(json::to_text(own.data));
  w.stamps.add(json::to_text(own.field_timestamps));
  w.records.add(json::to_text(snapshot));
  w.applied.add(applied.created_at_us);
  w.applied_ids.add(applied.id);
  when.slot ? w.slots.add(pg::to_us(*when.slot)) : w.slots.add_null();
  when.hold_reason.empty() ? w.holds.add_null() : w.holds.add(when.hold_reason);
  l.run->how == run_end::failed ? w.errors.add(error_text(*l.run)) : w.errors.add_null();
  w.tokens.add(l.run->tokens);
  w.quarantines.add(l.run->quarantine ? "t" : "f");
}

void store(pqxx::transaction_base& tx, const write_columns& w) {
  pg::connection::exec_in(tx,
                          "SELECT mana_ai.write_iterations($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::text[],"
                          " $6::text[], $7::text[], $8::bigint[], $9::uuid[], $10::bigint[], $11::text[], $12::text[],"
                          " $13::bigint[], $14::boolean[])",
                          w.leases.users.str(), w.leases.missions.str(), w.leases.tokens.str(), w.changes.str(),
                          w.data.str(), w.stamps.str(), w.records.str(), w.applied.str(), w.applied_ids.str(),
                          w.slots.str(), w.holds.str(), w.errors.str(), w.tokens.str(), w.quarantines.str());
}

// The lease is not ours: either the run ended in an earlier try whose COMMIT was in doubt, or the
// mission is somebody else's by now.
bool is_written(pqxx::transaction_base& tx, const end_run& r) {
  auto id = json::parse(*r.iteration);
  auto& user = r.held.key.user.value;
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user);
  json::value probe{json::array{json::object{{"id", id ? json::value{id->text("id")} : json::value{}}}}};
  auto rows = pg::connection::exec_in(tx,
                                      "SELECT FROM mana_ai.mission_snapshots WHERE user_id = $1 AND mission_id = $2"
                                      " AND record->'iterations' @> $3::jsonb",
                                      user, r.held.key.mission.value, json::to_text(probe));
  return !rows.empty();
}

void write(pg::connection& db, const std::vector<end_run>& runs, const write_policy& policy, results& out) {
  auto order = order_of(runs, false);
  if (order.empty())
    return;
  pqxx::work tx{db.raw()};
  order = with_settled_grants(tx, runs, std::move(order), out);
  auto locked = lock_all(tx, runs, order);
  write_columns columns;
  bool any_write = false;
  std::vector<bool> held(runs.size(), false);
  std::vector<std::pair<std::size_t, result<run_ended>>> outcomes;
  std::vector<std::string> revoked;
  for (auto& l : locked) {
    held[l.index] = true;
    freshen(tx, l);
    // A mission that the user deleted meanwhile takes no plan; the refresher removes its snapshot.
    if (!l.record->exists() || l.record->hidden())
      continue;
    for (auto& fingerprint : l.record->grants().revoked.since(l.grants_before.revoked))
      revoked.push_back(std::move(fingerprint));
    if (grant_is_gone(l)) {
      store_record_only(tx, l);
      outcomes.emplace_back(l.index, failure{errc::grant_revoked, "replaced or withdrawn during the run"});
    } else {
      add_write(columns, l, policy);
      any_write = true;
      outcomes.emplace_back(l.index, run_ended{true});
    }
  }
  for (auto i : order)
    if (!held[i] && is_written(tx, runs[i]))
      out[i] = run_ended{true};
  if (any_write)
    store(tx, columns);
  announce_revoked_grants(tx, revoked);
  tx.commit();
  for (auto& [i, outcome] : outcomes)
    out[i] = std::move(outcome);
}

} // namespace

results end_runs(pg::connection& db, const std::vector<end_run>& runs, const write_policy& policy) {
  results out(runs.size(), failure{errc::lease_lost, "the lease has ended or the mission is gone"});
  release(db, runs, out);
  write(db, runs, policy, out);
  return out;
}

} // namespace mana
