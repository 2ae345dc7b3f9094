#include "actors/mission_directory/mission_directory_actor.hpp"

#include "actors/database/ask_database.hpp"

#include <algorithm>
#include <chrono>

namespace mana {

namespace {

constexpr std::size_t max_listed = 1000;
constexpr auto status_timeout = std::chrono::seconds{1};

std::optional<timestamp> time_of(const pqxx::field& f) {
  auto us = pg::get<std::int64_t>(f);
  if (!us)
    return std::nullopt;
  return pg::time_from_us(*us);
}

mission_status read_mission_status(const pqxx::row& row, mission_facts facts) {
  facts.hold = pg::get<std::string>(row["hold"]).value_or("");
  facts.slot = time_of(row["slot_us"]);
  facts.claimable = time_of(row["claimable_us"]);
  facts.leased = !row["lease_us"].is_null();
  mission_status m;
  m.id = {row["mission_id"].as<std::string>()};
  m.title = pg::get<std::string>(row["title"]).value_or("");
  m.state = pg::get<std::string>(row["state"]).value_or("");
  m.next_run_at = facts.slot;
  if (facts.claimable && facts.slot && *facts.claimable > *facts.slot)
    m.retry_at = facts.claimable;
  m.lease_until = time_of(row["lease_us"]);
  m.lease_owner = pg::get<std::string>(row["lease_owner"]).value_or("");
  m.foreground = row["foreground"].as<bool>();
  m.attempts = row["attempt"].as<unsigned>();
  m.last_error = pg::get<std::string>(row["last_error"]).value_or("");
  m.not_running_because = why_not_running(facts);
  return m;
}

// What the claim goes by (mana_ai.rooms_of), as of the transaction's time.
struct user_share {
  mission_facts facts; // those that all missions of the user have in common
  user_budget budget;
};

user_share read_share(const pqxx::row& row, const user_budgets& budgets) {
  user_share s;
  auto& b = s.budget;
  b.runs_this_hour = row["runs"].as<std::size_t>();
  b.runs_per_hour = row["runs_per_hour"].as<std::size_t>();
  b.tokens_today = row["tokens"].as<std::int64_t>();
  b.tokens_per_day = row["tokens_per_day"].as<std::int64_t>();
  s.facts.users_limit = row["runs_in_flight"].as<std::size_t>();
  s.facts.runs_spent = b.runs_per_hour > 0 && b.runs_this_hour >= b.runs_per_hour;
  auto a_run = std::max<std::int64_t>(1, budgets.tokens_per_run);
  s.facts.tokens_spent = b.tokens_per_day > 0 && b.tokens_today > 0 && b.tokens_today + a_run > b.tokens_per_day;
  if (s.facts.tokens_spent)
    b.waits_until = time_of(row["day_end_us"]);
  else if (s.facts.runs_spent)
    b.waits_until = time_of(row["hour_end_us"]);
  return s;
}

user_share share_of(pqxx::transaction_base& tx, const user_id& user, std::size_t users_limit,
                    const user_budgets& budgets) {
  auto rows = pg::connection::exec_in(
      tx,
      "SELECT coalesce(l.runs_in_flight, $2::bigint) AS runs_in_flight,"
      " coalesce(l.runs_per_hour, $3::bigint) AS runs_per_hour,"
      " coalesce(l.tokens_per_day, $4::bigint) AS tokens_per_day,"
      " CASE WHEN t.hour_at >= w.hour THEN t.runs_in_hour ELSE 0 END AS runs,"
      " CASE WHEN t.day_at >= w.day THEN t.tokens_in_day ELSE 0 END AS tokens,"
      " (extract(epoch FROM w.hour + interval '1 hour') * 1000000)::bigint AS hour_end_us,"
      " (extract(epoch FROM w.day + interval '24 hours') * 1000000)::bigint AS day_end_us"
      " FROM (SELECT date_trunc('hour', now(), 'UTC') AS hour, date_trunc('day', now(), 'UTC') AS day) w"
      " LEFT JOIN mana_ai.user_turns t ON t.user_id = $1 LEFT JOIN mana_ai.user_limits l ON l.user_id = $1",
      user.value, users_limit, budgets.runs_per_hour, budgets.tokens_per_day);
  return read_share(rows[0], budgets);
}

} // namespace

mission_list list_missions_of(pg::connection& db, const user_id& user, std::size_t users_limit,
                              const user_budgets& budgets, bool circuit_open) {
  pqxx::work tx{db.raw()};
  mission_list out;
  auto clock = pg::connection::exec_in(tx,
                                       "SELECT (extract(epoch FROM now()) * 1000000)::bigint,"
                                       " set_config('app.current_user_id', $1, true)",
                                       user.value);
  out.now = *time_of(clock[0][0]);
  auto share = share_of(tx, user, users_limit, budgets);
  out.budget = share.budget;
  auto rows = pg::connection::exec_in(
      tx,
      "SELECT mission_id, left(record->>'title', 500) AS title, record->>'state' AS state, hold, attempt, last_error,"
      " lease_owner, foreground, (extract(epoch FROM slot_at) * 1000000)::bigint AS slot_us,"
      " (extract(epoch FROM claimable_at) * 1000000)::bigint AS claimable_us,"
      " (extract(epoch FROM lease_until) * 1000000)::bigint AS lease_us,"
      " count(*) FILTER (WHERE lease_token IS NOT NULL) OVER () AS running"
      " FROM mana_ai.mission_snapshots WHERE user_id = $1 ORDER BY slot_at NULLS LAST, mission_id LIMIT $2",
      user.value, max_listed);
  for (const auto& row : rows) {
    auto facts = share.facts;
    facts.now = out.now;
    facts.users_runs = row["running"].as<std::size_t>();
    facts.circuit_open = circuit_open;
    out.missions.push_back(read_mission_status(row, std::move(facts)));
  }
  tx.commit();
  return out;
}

std::string why_not_running(const mission_facts& f) {
  if (f.leased)
    return "running";
  if (!f.hold.empty())
    return f.hold;
  if (!f.claimable)
    return "no-next-run";
  if (*f.claimable > f.now)
    return f.slot && *f.slot <= f.now ? "retry-later" : "not-due";
  if (f.tokens_spent)
    return "over-token-budget";
  if (f.runs_spent)
    return "over-runs-per-hour";
  if (f.users_limit > 0 && f.users_runs >= f.users_limit)
    return "over-the-users-limit";
  if (f.circuit_open)
    return "circuit-open";
  return "due";
}

mission_directory::mission_directory(caf::actor_config& cfg, database_actor database, llm_client_actor llm,
                                     std::size_t users_limit, user_budgets budgets)
  : mission_directory_actor::base(cfg), database_(std::move(database)), llm_(std::move(llm)), users_limit_(users_limit),
    budgets_(budgets) {
  set_default_handler(caf::drop);
}

void mission_directory::on_exit() {
  database_ = nullptr;
  llm_ = nullptr;
}

mission_directory::behavior_type mission_directory::make_behavior() {
  return {
      [this](const list_missions& m) -> caf::result<mission_list> {
        if (m.user.value.empty())
          return to_caf({errc::bad_request, "userId: must not be empty"});
        return list(m.user);
      },
  };
}

caf::result<mission_list> mission_directory::list(const user_id& user) {
  auto promise = make_response_promise<mission_list>();
  auto ask = [this, promise, user](bool circuit_open) {
    database_job job{"list_missions",
                     [user, limit = users_limit_, budgets = budgets_, circuit_open](pg::connection& db) -> std::any {
                       return list_missions_of(db, user, limit, budgets, circuit_open);
                     }};
    request(database_, caf::infinite, std::move(job))
        .then([promise](database_answer& a) mutable { promise.deliver(std::move(a.as<mission_list>())); },
              [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  };
  request(llm_, status_timeout, get_llm_status{})
      .then([ask](const llm_status& s) { ask(s.circuit_open); }, [ask](const caf::error&) { ask(false); });
  return promise;
}

} // namespace mana
