#include "actors/mission_claimer/claim_queries.hpp"

#include "infra/postgres/connection.hpp"

#include <algorithm>

namespace mana {

namespace {

constexpr int rescues_per_renewal = 200;

struct lease_arrays {
  pg::text_array users, missions, tokens;
  explicit lease_arrays(std::span<const lease> held) {
    for (auto& l : held) {
      users.add(l.key.user.value);
      missions.add(l.key.mission.value);
      tokens.add(l.token.value);
    }
  }
};

// Where the line begins, as far as anybody has to know.
std::int64_t line_from(pg::connection& db, const claim_terms& terms, bool whole) {
  auto look = [&] { return std::optional{db.exec("SELECT mana_ai.line_start()")[0][0].as<std::int64_t>()}; };
  return scan_from(*terms.line, whole, look).from;
}

constexpr auto begins_at_first = "(p_from => timestamptz 'epoch' + $1::bigint * interval '1 microsecond')";

claimed_mission read_claim(const pqxx::row& row) {
  claimed_mission m;
  m.held.key = {{row["user_id"].as<std::string>()}, {row["mission_id"].as<std::string>()}};
  m.held.token = {row["lease_token"].as<std::string>()};
  m.slot = pg::time_from_us(row["slot_us"].as<std::int64_t>());
  m.attempt = row["attempt"].as<unsigned>();
  m.last_error = row["last_error"].as<std::string>();
  m.record = std::make_shared<const std::string>(pg::view(row["record"]));
  m.claimed_at = pg::time_from_us(row["claimed_us"].as<std::int64_t>());
  m.crashes = row["crashes"].as<unsigned>();
  return m;
}

} // namespace

claimed_missions claim_due_missions(pg::connection& db, const claim_missions& wanted, const claim_terms& terms) {
  claimed_missions out;
  auto from = line_from(db, terms, wanted.whole_line);
  auto rows = db.exec("SELECT * FROM mana_ai.claim_missions($1, $2, $3::bigint * interval '1 millisecond', $4,"
                      " p_runs_per_hour => $5, p_tokens_per_day => $6, p_tokens_per_run => $7,"
                      " p_from => timestamptz 'epoch' + $8::bigint * interval '1 microsecond')",
                      wanted.limit, wanted.per_user, terms.lease.count(), terms.owner, terms.budgets.runs_per_hour,
                      terms.budgets.tokens_per_day, terms.budgets.tokens_per_run, from);
  for (const auto& row : rows)
    out.missions.push_back(read_claim(row));
  auto line =
      db.exec(std::string{"SELECT now_us, next_due_ms, waiting FROM mana_ai.line_ahead"} + begins_at_first, from);
  out.now = pg::time_from_us(line[0]["now_us"].as<std::int64_t>());
  if (auto ms = pg::get<std::int64_t>(line[0]["next_due_ms"]))
    out.next_due_in = std::chrono::milliseconds{*ms};
  out.more_waiting = line[0]["waiting"].as<bool>();
  return out;
}

leases_renewed renew_held_leases(pg::connection& db, std::span<const lease> held, const claim_terms& terms) {
  leases_renewed out;
  if (!held.empty()) {
    lease_arrays a{held};
    auto rows = db.exec("SELECT ord, what FROM mana_ai.renew_held_leases($1::text[], $2::text[], $3::uuid[],"
                        " $4::bigint * interval '1 millisecond')",
                        a.users.str(), a.missions.str(), a.tokens.str(), terms.lease.count());
    for (const auto& row : rows)
      (pg::view(row["what"]) == "stopped" ? out.stopped : out.lost).push_back(held[row["ord"].as<std::size_t>() - 1]);
  }
  // One row at least: that of the line.
  auto rows = db.exec(std::string{"SELECT l.waiting_ms, r.user_id, r.mission_id, r.quarantined, r.foreground"
                                  " FROM mana_ai.line_status"}
                          + begins_at_first + " l LEFT JOIN mana_ai.rescue_crashed_runs($2) r ON true",
                      line_from(db, terms, false), rescues_per_renewal);
  for (const auto& row : rows) {
    if (row["user_id"].is_null())
      continue;
    ++out.rescued;
    out.rescued_of_tabs += row["foreground"].as<bool>() ? 1 : 0;
    if (row["quarantined"].as<bool>())
      out.quarantined.push_back({{row["user_id"].as<std::string>()}, {row["mission_id"].as<std::string>()}});
  }
  if (auto ms = pg::get<std::int64_t>(rows[0]["waiting_ms"]))
    out.oldest_waiting = std::chrono::milliseconds{std::max<std::int64_t>(0, *ms)};
  return out;
}

handed_back release_unrun(pg::connection& db, std::vector<lease> held, bool crashed) {
  std::sort(held.begin(), held.end());
  lease_arrays a{held};
  auto rows =
      db.exec("SELECT ord, quarantined FROM mana_ai.hand_back_runs($1::text[], $2::text[], $3::uuid[], $4::boolean)",
              a.users.str(), a.missions.str(), a.tokens.str(), crashed);
  handed_back out{rows.size(), {}};
  for (const auto& row : rows)
    if (row["quarantined"].as<bool>())
      out.quarantined.push_back(held[row["ord"].as<std::size_t>() - 1].key);
  return out;
}

} // namespace mana
