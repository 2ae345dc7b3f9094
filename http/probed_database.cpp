#include "http/probed_database.hpp"

#include "infra/io/ask.hpp"
#include "infra/postgres/connection.hpp"

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

using boost::asio::awaitable;

namespace {

using probe_ptr = std::shared_ptr<const database_probe>;

// Before the first request, and after the database was away, the pool only knows once it has been asked to
// try.
awaitable<bool> connects(probe_ptr p, database_actor database) {
  database_job probe{"ready", [](pg::connection& db) -> std::any { return db.exec("SELECT 1").size(); }};
  auto answer = co_await ask<database_answer>(*p->system, database, probe_timeout, probe);
  co_return static_cast<bool>(answer);
}

awaitable<readiness> ready(probe_ptr p) {
  auto schema = p->schema();
  auto pool = p->database();
  get_database_status question;
  auto database = co_await ask<database_status>(*p->system, pool, probe_timeout, question);
  bool connected = database && database->connected;
  if (database && !connected)
    connected = co_await connects(p, pool);
  readiness out;
  if (!database)
    out.failing.push_back({p->target + "_database", "does not answer"});
  else if (!connected)
    out.failing.push_back({p->target + "_database", "not connected"});
  if (!schema.migrated)
    out.failing.push_back({p->target + "_migrations", "not applied"});
  out.warnings = std::move(schema.warnings);
  co_return out;
}

} // namespace

probed_target probed_database(database_probe probe) {
  auto p = std::make_shared<const database_probe>(std::move(probe));
  probed_target out;
  out.ready = [p] { return ready(p); };
  return out;
}

} // namespace mana::http
