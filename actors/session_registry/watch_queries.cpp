#include "actors/session_registry/watch_queries.hpp"

#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

std::string array_of(const std::vector<user_id>& users) {
  pg::text_array out;
  for (auto& u : users)
    out.add(u.value);
  return out.str();
}

std::int64_t life_ms(const watcher& w) { return w.life.count(); }

} // namespace

watched_users watch(pg::connection& db, const watcher& w, std::int64_t turn, const std::vector<user_id>& users) {
  watched_users out;
  auto rows = db.exec("SELECT user_id, name FROM mana_sync.watch($1::uuid, $2::bigint * interval '1 millisecond', $3,"
                      " $4::text[])",
                      w.id, life_ms(w), turn, array_of(users));
  for (const auto& row : rows)
    out.users.push_back({user_id{row[0].as<std::string>()}, row[1].as<std::string>()});
  out.horizon = look_at_writes(db);
  return out;
}

void unwatch(pg::connection& db, const watcher& w, std::int64_t turn, const std::vector<user_id>& users) {
  db.exec("SELECT mana_sync.unwatch($1::uuid, $2, $3::text[])", w.id, turn, array_of(users));
}

bool keep_watching(pg::connection& db, const watcher& w) {
  return db
      .exec("SELECT mana_sync.keep_watching($1::uuid, $2::bigint * interval '1 millisecond')", w.id, life_ms(w))[0][0]
      .as<bool>();
}

write_horizon look_at_writes(pg::connection& db) {
  auto row = db.exec("SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text FROM pg_current_snapshot() s")[0];
  return {row[0].as<std::uint64_t>(), row[1].as<std::uint64_t>()};
}

} // namespace mana
