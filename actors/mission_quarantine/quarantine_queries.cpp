#include "actors/mission_quarantine/quarantine_queries.hpp"

#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

constexpr int max_listed = 1000;

} // namespace

quarantined_missions list_quarantined_missions(pg::connection& db) {
  quarantined_missions out;
  auto rows = db.exec("SELECT user_id, mission_id, since_us, last_error FROM mana_ai.list_quarantined($1)", max_listed);
  for (const auto& row : rows)
    out.missions.push_back({{{row["user_id"].as<std::string>()}, {row["mission_id"].as<std::string>()}},
                            pg::time_from_us(row["since_us"].as<std::int64_t>()),
                            row["last_error"].as<std::string>()});
  return out;
}

std::optional<mission_released> release_quarantined(pg::connection& db, const mission_key& key) {
  auto row = db.exec("SELECT mana_ai.release_mission($1, $2)", key.user.value, key.mission.value)[0];
  auto was_quarantined = pg::get<bool>(row[0]);
  if (!was_quarantined)
    return std::nullopt;
  return mission_released{*was_quarantined};
}

} // namespace mana
