#include "http/audit_command.hpp"

#include "actors/audit_reader/audit_read_queries.hpp"
#include "infra/postgres/connection.hpp"

#include <cinttypes>
#include <cstdio>

namespace mana {

int verify_audit_chain(const config::settings& settings, const user_id& user) {
  constexpr std::size_t chunk = 5'000;
  auto checked = pg::attempt([&] {
    pg::connection db{settings.sync_database_url.reveal()};
    chain_check check;
    while (check_next_rows(db, user, check, chunk)) {
    }
    return check.verdict();
  });
  if (!checked) {
    std::fprintf(stderr, "mana-ai audit verify: SYNC_DATABASE_URL: %s\n", checked.error().detail.c_str());
    return 2;
  }
  if (auto& bad = checked->first_bad) {
    std::printf("bad: row %" PRId64 " (id %" PRId64 "): %s; %" PRId64 " rows before it are good\n", bad->position,
                bad->id, bad->problem.c_str(), checked->rows);
    return 1;
  }
  if (auto& anchor = checked->anchor)
    std::printf("the rows up to position %" PRId64 " are beyond retention\n", anchor->position);
  std::printf("ok, %" PRId64 " rows, head position %" PRId64 " hash %s\n", checked->rows, checked->head_position,
              checked->head_hash.c_str());
  return 0;
}

} // namespace mana
