#include "actors/maintenance/maintenance_queries.hpp"

#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

// One replica at a time; the others need not wait.
bool is_our_turn(pqxx::transaction_base& tx) {
  return tx.exec("SELECT pg_try_advisory_xact_lock(hashtextextended('mana_ai.maintenance', 0))")[0][0].as<bool>();
}

} // namespace

maintained maintain_tables(pg::connection& db, std::chrono::hours audit_retention) {
  maintained out;
  // Two transactions, so that months are there in time even while expired ones cannot be dropped.
  {
    pqxx::work tx{db.raw()};
    out.elsewhere = !is_our_turn(tx);
    if (out.elsewhere)
      return out;
    out.partitions_made = tx.exec("SELECT mana_ai.add_audit_partitions()")[0][0].as<int>();
    tx.commit();
  }
  pqxx::work tx{db.raw()};
  if (!is_our_turn(tx))
    return out;
  // Whole partitions are read for their anchors.
  tx.exec("SET LOCAL statement_timeout = '5min'");
  auto rows =
      pg::connection::exec_in(tx, "SELECT mana_ai.drop_expired_audit($1 * interval '1 hour')", audit_retention.count());
  out.partitions_dropped = rows[0][0].as<int>();
  tx.commit();
  return out;
}

} // namespace mana
