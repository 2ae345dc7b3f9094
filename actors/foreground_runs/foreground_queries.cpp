#include "actors/foreground_runs/foreground_queries.hpp"

#include "actors/mission/iteration.hpp"
#include "actors/mission/schedule.hpp"
#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

std::string with_time(std::string text, const std::optional<timestamp>& until) {
  return until ? std::move(text) + " " + to_iso(*until) : std::move(text);
}

std::string why_held(const foreground_verdict& v) {
  if (v.what == "runs-in-flight")
    return "as many of your missions run already as may run at once; try again when one has ended";
  if (v.what == "runs-per-hour")
    return with_time("this hour's runs are used up; there are new ones from", v.until);
  if (v.what == "tokens-per-day")
    return with_time("today's tokens for the language model are used up; there are new ones from", v.until);
  if (v.hold == hold::waiting_for_review)
    return "the mission waits until you have reviewed its last plan";
  if (v.hold == "quarantined")
    return "the mission ended its runner too often; it waits for the operator";
  return "the mission is not active: " + v.hold;
}

// An iteration whose next slot did not count, because the clock of its writer is behind: the slot is due, and done.
bool is_planned(pqxx::transaction_base& tx, const mission_key& key, const std::string& iteration_id) {
  json::value probe{json::array{json::object{{"id", iteration_id}}}};
  auto rows = pg::connection::exec_in(tx,
                                      "SELECT FROM mana_ai.mission_snapshots WHERE user_id = $1 AND mission_id = $2"
                                      " AND record->'iterations' @> $3::jsonb",
                                      key.user.value, key.mission.value, json::to_text(probe));
  return !rows.empty();
}

} // namespace

failure why_not_claimed(const foreground_verdict& v) {
  if (v.what == "unknown")
    return {errc::mission_unknown, "you have no such mission"};
  if (v.what == "running")
    return {errc::mission_running, with_time("the mission is being planned already, at least until", v.until)};
  if (v.what == "granted")
    return {errc::mission_has_grant, "the mission has a grant, so the server plans it"};
  if (v.what == "not-due")
    return {errc::mission_not_due, v.until ? with_time("the mission is not due before", v.until)
                                           : "the mission has no next run; give it one first"};
  return {errc::mission_held, why_held(v)};
}

std::optional<result<foreground_run>> claim_in_foreground(pg::connection& db, const mission_key& key,
                                                          const foreground_terms& terms) {
  pqxx::work tx{db.raw()};
  auto rows = pg::connection::exec_in(
      tx,
      "SELECT what, lease_token, slot_us, until_us, hold FROM mana_ai.claim_foreground_run($1, $2,"
      " $3::bigint * interval '1 millisecond', $4, $5, $6, $7)",
      key.user.value, key.mission.value, terms.lease.count(), terms.runs_per_user, terms.budgets.runs_per_hour,
      terms.budgets.tokens_per_day, terms.budgets.tokens_per_run);
  auto row = rows[0];
  foreground_verdict v;
  v.what = row["what"].as<std::string>();
  v.hold = pg::get<std::string>(row["hold"]).value_or("");
  if (auto us = pg::get<std::int64_t>(row["until_us"]))
    v.until = pg::time_from_us(*us);
  if (v.what == "unfolded")
    return std::nullopt;
  if (v.what != "claimed")
    return why_not_claimed(v);
  foreground_run out;
  out.token = {row["lease_token"].as<std::string>()};
  out.slot = pg::time_from_us(row["slot_us"].as<std::int64_t>());
  out.iteration_id = iteration_id_of(key, out.slot);
  out.lease_until = *v.until;
  if (is_planned(tx, key, out.iteration_id)) // the claim goes with the transaction
    return failure{errc::mission_not_due, "this run has its plan already; the server schedules the next one"};
  tx.commit();
  return out;
}

result<foreground_run_renewed> renew_in_foreground(pg::connection& db, const lease& held,
                                                   const foreground_terms& terms) {
  auto rows = db.exec("SELECT mana_ai.renew_foreground_run($1, $2, $3::uuid, $4::bigint * interval '1 millisecond')",
                      held.key.user.value, held.key.mission.value, held.token.value, terms.lease.count());
  auto us = pg::get<std::int64_t>(rows[0][0]);
  if (!us)
    return failure{errc::lease_lost, "the run is not this tab's any more"};
  return foreground_run_renewed{pg::time_from_us(*us)};
}

std::optional<foreground_run_ended> end_in_foreground(pg::connection& db, const lease& held) {
  auto rows = db.exec("SELECT mana_ai.end_foreground_run($1, $2, $3::uuid)", held.key.user.value,
                      held.key.mission.value, held.token.value);
  auto what = pg::view(rows[0][0]);
  if (what == "unfolded")
    return std::nullopt;
  return foreground_run_ended{what == "ended"};
}

} // namespace mana
