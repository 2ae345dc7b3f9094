#include "actors/snapshot_refresher/refresh_queries.hpp"

#include "actors/change_log/change_rows.hpp"
#include "actors/change_log/stop_notice.hpp"
#include "actors/mission/mission.hpp"

#include <algorithm>
#include <map>

namespace mana {

namespace {

struct dirty_entry {
  std::int64_t id = 0;
  mission_key key;
  std::optional<std::string> change_id;
};

// One mission of the batch on its way from log rows to snapshot.
struct folding {
  mission_key key;
  std::vector<std::string> change_ids;
  bool refold = false; // the whole history has to be read
  bool is_new = true;  // there was no snapshot, so no run can be using a grant of it
  grant_state grants_before;
  std::optional<merged_record> record;
  change_position applied;
  std::size_t rows = 0;
};

std::vector<dirty_entry> entries_of(const pqxx::result& rows) {
  std::vector<dirty_entry> out;
  for (const auto& row : rows) {
    dirty_entry e;
    e.id = row["id"].as<std::int64_t>();
    e.key = {{row["user_id"].as<std::string>()}, {row["mission_id"].as<std::string>()}};
    e.change_id = pg::get<std::string>(row["change_id"]);
    out.push_back(std::move(e));
  }
  return out;
}

// Ascending by user, as the locks want it.
std::vector<folding> by_mission(const std::vector<dirty_entry>& entries) {
  std::map<mission_key, folding> missions;
  for (auto& e : entries) {
    auto& f = missions[e.key];
    f.key = e.key;
    if (e.change_id)
      f.change_ids.push_back(*e.change_id);
    else
      f.refold = true;
  }
  std::vector<folding> out;
  out.reserve(missions.size());
  for (auto& [key, f] : missions)
    out.push_back(std::move(f));
  return out;
}

// Locks the users; a mission without a readable snapshot is folded from its history.
void load_snapshots(pqxx::transaction_base& tx, std::vector<folding>& missions) {
  pg::text_array users, ids;
  for (auto& m : missions) {
    users.add(m.key.user.value);
    ids.add(m.key.mission.value);
  }
  auto rows = pg::connection::exec_in(tx, "SELECT * FROM mana_ai.lock_snapshots($1::text[], $2::text[])", users.str(),
                                      ids.str());
  for (const auto& row : rows) {
    auto& m = missions[row["ord"].as<std::size_t>() - 1];
    m.is_new = false;
    auto parsed = json::parse(pg::view(row["record"]));
    if (!parsed)
      continue;
    m.grants_before.revoked = grant_memory::of(*parsed);
    auto record = merged_record::from_snapshot(m.key.mission.value, mission_merge_rules(), *parsed);
    if (!record)
      continue;
    m.record = std::move(*record);
    m.grants_before = m.record->grants();
    m.applied = {row["applied_us"].as<std::int64_t>(), row["applied_id"].as<std::string>()};
  }
  for (auto& m : missions)
    m.refold = m.refold || !m.record;
}

// Applies the named rows; sets `refold` where their order against the snapshot matters.
void apply_new_rows(pqxx::transaction_base& tx, std::vector<folding>& missions) {
  std::vector<change_key> keys;
  std::vector<folding*> owners;
  for (auto& m : missions)
    if (!m.refold)
      for (auto& id : m.change_ids) {
        keys.push_back({m.key.user, id});
        owners.push_back(&m);
      }
  auto rows = read_named_changes(tx, keys);
  std::map<folding*, std::vector<change>> changes;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i])
      changes[owners[i]].push_back(std::move(*rows[i]));
  for (auto& [m, list] : changes) {
    m->rows = list.size();
    m->refold = !apply_in_place(*m->record, m->applied, std::move(list));
  }
}

void fold_histories(pqxx::transaction_base& tx, std::vector<folding>& missions) {
  std::vector<history_key> keys;
  std::vector<folding*> owners;
  for (auto& m : missions)
    if (m.refold) {
      keys.push_back({m.key.user, {"ai", "aiMissions", m.key.mission.value}});
      owners.push_back(&m);
    }
  auto histories = read_histories(tx, keys);
  for (std::size_t i = 0; i < histories.size(); ++i) {
    auto& m = *owners[i];
    m.rows = histories[i].size();
    if (!histories[i].empty())
      m.applied = histories[i].back().at;
    m.record = fold(m.key.mission.value, mission_merge_rules(), std::move(histories[i]));
    m.record->remember(m.grants_before);
  }
}

std::vector<std::string> newly_revoked(const std::vector<folding>& missions) {
  std::vector<std::string> out;
  for (auto& m : missions)
    if (!m.is_new)
      for (auto& fingerprint : m.record->grants().revoked.since(m.grants_before.revoked))
        out.push_back(std::move(fingerprint));
  return out;
}

void count(const pqxx::result& stored, snapshots_refreshed& counts) {
  for (const auto& row : stored) {
    auto what = pg::get<std::string>(row["what"]);
    counts.created += what == "created";
    counts.updated += what == "updated";
    counts.removed += what == "removed";
  }
}

void store(pqxx::transaction_base& tx, const std::vector<folding>& missions, const schedule_policy& policy,
           snapshots_refreshed& counts) {
  pg::text_array users, ids, records, applied_ids, holds;
  pg::bigint_array applied, slots;
  for (auto& m : missions) {
    counts.rows_applied += m.rows;
    users.add(m.key.user.value);
    ids.add(m.key.mission.value);
    applied.add(m.applied.created_at_us);
    if (m.applied.id.empty())
      applied_ids.add_null();
    else
      applied_ids.add(m.applied.id);
    if (!m.record->exists() || m.record->hidden()) {
      records.add_null();
      slots.add_null();
      holds.add_null();
      continue;
    }
    auto snapshot = m.record->snapshot();
    auto when = schedule_of(read_mission(snapshot), policy);
    records.add(json::to_text(snapshot));
    when.slot ? slots.add(pg::to_us(*when.slot)) : slots.add_null();
    when.hold_reason.empty() ? holds.add_null() : holds.add(when.hold_reason);
  }
  auto rows = pg::connection::exec_in(tx,
                                      "SELECT * FROM mana_ai.store_snapshots($1::text[], $2::text[], $3::text[],"
                                      " $4::bigint[], $5::uuid[], $6::bigint[], $7::text[])",
                                      users.str(), ids.str(), records.str(), applied.str(), applied_ids.str(),
                                      slots.str(), holds.str());
  count(rows, counts);
}

snapshots_refreshed fold_entries(pqxx::transaction_base& tx, const std::vector<dirty_entry>& entries,
                                 const schedule_policy& policy) {
  snapshots_refreshed counts;
  auto missions = by_mission(entries);
  load_snapshots(tx, missions);
  apply_new_rows(tx, missions);
  fold_histories(tx, missions);
  store(tx, missions, policy, counts);
  announce_revoked_grants(tx, newly_revoked(missions));
  return counts;
}

void add(snapshots_refreshed& sum, const snapshots_refreshed& more) {
  sum.rows_applied += more.rows_applied;
  sum.created += more.created;
  sum.updated += more.updated;
  sum.removed += more.removed;
}

bool concerns_one_entry(const failure& f) { return f.code == errc::database_refused || f.code == errc::internal; }

// The batch failed and was rolled back: its entries are in the queue again.
void fold_one_by_one(pg::connection& db, const std::vector<dirty_entry>& entries, const schedule_policy& policy,
                     refresh_batch_result& out) {
  pg::bigint_array failed;
  for (auto& e : entries) {
    pg::bigint_array one;
    one.add(e.id);
    auto folded = pg::attempt([&] {
      pqxx::work tx{db.raw()};
      auto taken =
          entries_of(pg::connection::exec_in(tx, "SELECT * FROM mana_ai.take_dirty_entries($1::bigint[])", one.str()));
      auto counts = taken.empty() ? snapshots_refreshed{} : fold_entries(tx, taken, policy);
      tx.commit();
      return counts;
    });
    if (folded) {
      add(out.counts, *folded);
    } else {
      failed.add(e.id);
      ++out.deferred;
    }
  }
  if (out.deferred > 0)
    db.exec("SELECT mana_ai.defer_dirty($1::bigint[])", failed.str());
}

bool by_id(const dirty_entry& a, const dirty_entry& b) { return a.id < b.id; }

scan_start queue_from(pg::connection& db, const dirty_queue& queue) {
  return scan_from(*queue.floor, queue.whole,
                   [&] { return pg::get<std::int64_t>(db.exec("SELECT mana_ai.first_dirty()")[0][0]); });
}

} // namespace

refresh_batch_result refresh_batch(pg::connection& db, std::size_t limit, const schedule_policy& policy,
                                   const dirty_queue& queue) {
  auto begun = std::chrono::steady_clock::now();
  refresh_batch_result out;
  std::vector<dirty_entry> entries;
  failure spoiled;
  auto start = queue_from(db, queue);
  out.saw_all = start.looked;
  try {
    pqxx::work tx{db.raw()};
    entries = entries_of(
        pg::connection::exec_in(tx, "SELECT * FROM mana_ai.take_dirty($1, p_from => $2)", limit, start.from));
    if (!entries.empty())
      out.counts = fold_entries(tx, entries, policy);
    tx.commit();
    out.taken = entries.size();
    if (!entries.empty())
      queue.floor->taken_to(std::max_element(entries.begin(), entries.end(), by_id)->id);
    out.lasted = std::chrono::steady_clock::now() - begun;
    return out;
  } catch (const std::exception& e) {
    spoiled = pg::failure_of(e);
    if (!concerns_one_entry(spoiled))
      throw;
  }
  out.taken = entries.size();
  fold_one_by_one(db, entries, policy, out);
  out.lasted = std::chrono::steady_clock::now() - begun;
  return out;
}

} // namespace mana
