#include "http/missions_command.hpp"

#include "actors/mission_quarantine/quarantine_queries.hpp"
#include "infra/postgres/connection.hpp"

#include <cstdio>

namespace mana {

namespace {

constexpr int not_asked = 2;

int tell_failure(const char* command, const failure& why) {
  std::fprintf(stderr, "mana-ai missions %s: SYNC_DATABASE_URL: %s\n", command, why.detail.c_str());
  return not_asked;
}

} // namespace

int print_quarantined(const config::settings& settings) {
  auto list = pg::attempt([&] {
    pg::connection db{settings.sync_database_url.reveal()};
    return list_quarantined_missions(db);
  });
  if (!list)
    return tell_failure("quarantined", list.error());
  for (auto& m : list->missions)
    std::printf("%s  --user=%s --mission=%s  %s\n", to_iso(m.since).c_str(), m.key.user.value.c_str(),
                m.key.mission.value.c_str(), m.last_error.c_str());
  std::printf("%zu quarantined\n", list->missions.size());
  return 0;
}

int release_from_quarantine(const config::settings& settings, const mission_key& key) {
  auto released = pg::attempt([&] {
    pg::connection db{settings.sync_database_url.reveal()};
    return release_quarantined(db, key);
  });
  if (!released)
    return tell_failure("release", released.error());
  if (!*released) {
    std::fputs("mana-ai missions release: the user has no such mission\n", stderr);
    return 1;
  }
  if (!(*released)->was_quarantined) {
    std::fputs("mana-ai missions release: the mission is not quarantined\n", stderr);
    return 1;
  }
  std::puts("released; it runs when it is due");
  return 0;
}

} // namespace mana
