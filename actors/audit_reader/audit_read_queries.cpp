#include "actors/audit_reader/audit_read_queries.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/postgres/connection.hpp"

#include <algorithm>

#include <limits>

namespace mana {

namespace {

const std::string columns =
    "SELECT id, user_id, mission_id, iteration_id, table_name, record_id, status, reason,"
    " CASE WHEN isfinite(ts) THEN (extract(epoch FROM ts) * 1000000)::bigint END AS at_us, run_id, position,"
    " encode(previous_hash, 'hex') AS previous_hash, encode(row_hash, 'hex') AS row_hash"
    " FROM mana_ai.decrypt_audit WHERE user_id = $1";

void act_for(pqxx::transaction_base& tx, const user_id& user) {
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user.value);
}

audit_row row_of(const pqxx::row& r) {
  audit_row a;
  a.id = r["id"].as<std::int64_t>();
  a.user = {r["user_id"].as<std::string>()};
  a.mission = {r["mission_id"].as<std::string>()};
  a.iteration_id = pg::get<std::string>(r["iteration_id"]);
  a.table = r["table_name"].as<std::string>();
  a.record = r["record_id"].as<std::string>();
  a.status = r["status"].as<std::string>();
  a.reason = pg::get<std::string>(r["reason"]);
  a.at_us = pg::get<std::int64_t>(r["at_us"]);
  a.run_id = r["run_id"].as<std::string>();
  a.position = r["position"].as<std::int64_t>();
  a.previous_hash = r["previous_hash"].as<std::string>();
  a.hash = r["row_hash"].as<std::string>();
  return a;
}

// A mission's rows lie in the order of their times, which is that of their positions: the time of the
// row before which the page begins bounds the scan.
pqxx::result rows_of_mission(pqxx::transaction_base& tx, const list_audit& what, std::int64_t before) {
  return pg::connection::exec_in(
      tx,
      columns
          + " AND mission_id = $2 AND position < $3 AND ts <= coalesce((SELECT b.ts FROM mana_ai.decrypt_audit b"
            " WHERE b.user_id = $1 AND b.position = $3), 'infinity') ORDER BY ts DESC, position DESC LIMIT $4",
      what.user.value, what.mission->value, before, what.limit + 1);
}

pqxx::result rows_of_user(pqxx::transaction_base& tx, const list_audit& what, std::int64_t before) {
  return pg::connection::exec_in(tx, columns + " AND position < $2 ORDER BY position DESC LIMIT $3", what.user.value,
                                 before, what.limit + 1);
}

} // namespace

audit_page list_audit_rows(pg::connection& db, const list_audit& what) {
  pqxx::work tx{db.raw()};
  act_for(tx, what.user);
  auto before = what.before.value_or(std::numeric_limits<std::int64_t>::max());
  auto rows = what.mission ? rows_of_mission(tx, what, before) : rows_of_user(tx, what, before);
  tx.commit();
  audit_page page;
  for (const auto& row : rows) {
    // The row beyond the limit only says that there is a next page.
    if (page.rows.size() == what.limit) {
      page.next_before = page.rows.back().position;
      break;
    }
    page.rows.push_back(row_of(row));
  }
  return page;
}

// A chain whose rows are all beyond retention ends at its anchor.
audit_head read_audit_head(pg::connection& db, const user_id& user) {
  pqxx::work tx{db.raw()};
  act_for(tx, user);
  auto row = pg::connection::exec_in(tx,
                                     "SELECT (extract(epoch FROM now()) * 1000000)::bigint,"
                                     " coalesce(a.position, k.position),"
                                     " encode(coalesce(a.row_hash, k.row_hash), 'hex') FROM (SELECT) one"
                                     " LEFT JOIN mana_ai.audit_anchors k ON k.user_id = $1 LEFT JOIN LATERAL"
                                     " (SELECT position, row_hash FROM mana_ai.decrypt_audit WHERE user_id = $1"
                                     " ORDER BY position DESC LIMIT 1) a ON true",
                                     user.value)[0];
  tx.commit();
  audit_head head;
  head.at = pg::time_from_us(row[0].as<std::int64_t>());
  head.position = pg::get<std::int64_t>(row[1]).value_or(0);
  head.hash = pg::get<std::string>(row[2]).value_or(std::string(64, '0'));
  return head;
}

namespace {

// In one statement, so that retention cannot come in between: the next rows of the chain, and before them
// its oldest row as far as the anchor says that it should be gone.
const std::string next_rows =
    "SELECT k.position AS anchor_position, encode(k.row_hash, 'base64') AS anchor_hash, r.* FROM (SELECT) one"
    " LEFT JOIN mana_ai.audit_anchors k ON k.user_id = $1 LEFT JOIN LATERAL (("
    + columns + " AND position <= k.position ORDER BY position LIMIT 1) UNION ALL (" + columns
    + " AND position > greatest($2, k.position) ORDER BY position LIMIT $3)) r ON true ORDER BY r.position";

void resume_after_anchor(chain_check& check, const pqxx::row& row) {
  auto position = pg::get<std::int64_t>(row["anchor_position"]);
  if (!position || *position <= check.position())
    return;
  auto hash = crypto::from_base64(row["anchor_hash"].as<std::string>());
  crypto::digest digest{};
  if (hash && hash->size() == digest.size())
    std::copy(hash->begin(), hash->end(), digest.begin());
  check.resume_after(*position, digest);
}

} // namespace

bool check_next_rows(pg::connection& db, const user_id& user, chain_check& check, std::size_t limit) {
  pqxx::work tx{db.raw()};
  act_for(tx, user);
  auto rows = pg::connection::exec_in(tx, next_rows, user.value, check.position(), limit);
  tx.commit();
  resume_after_anchor(check, rows.front());
  std::size_t checked = 0;
  for (const auto& row : rows) {
    if (row["id"].is_null())
      return false;
    auto next = row_of(row);
    if (pg::get<std::int64_t>(row["anchor_position"]).value_or(0) >= next.position) {
      check.reject(next, "it stands before the anchor, which says that it was removed");
      return false;
    }
    if (!check.accept(next))
      return false;
    ++checked;
  }
  return checked == limit;
}

} // namespace mana
