#include "actors/audit_writer/audit_queries.hpp"

#include "infra/postgres/connection.hpp"

#include <algorithm>

namespace mana {

std::string_view to_string(decrypt_status s) noexcept {
  switch (s) {
    case decrypt_status::ok: return "ok";
    case decrypt_status::failed: return "failed";
    case decrypt_status::scope_violation: return "scope-violation";
  }
  return "";
}

namespace {

void add_or_null(pg::text_array& a, const std::string& text) {
  if (text.empty())
    a.add_null();
  else
    a.add(text);
}

struct audit_columns {
  pg::text_array users, missions, runs, iterations, tables, records, statuses, reasons;

  void add(const write_audit& w, const decrypt_event& e) {
    users.add(w.held.key.user.value);
    missions.add(w.held.key.mission.value);
    runs.add(w.held.token.value);
    add_or_null(iterations, w.iteration_id);
    tables.add(e.table);
    records.add(e.record);
    statuses.add(to_string(e.status));
    add_or_null(reasons, e.reason);
  }
};

} // namespace

audit_appended append_audit(pg::connection& db, const std::vector<audit_request>& requests,
                            std::chrono::milliseconds limit) {
  auto by_user = requests;
  std::stable_sort(by_user.begin(), by_user.end(),
                   [](auto& a, auto& b) { return a->held.key.user < b->held.key.user; });
  audit_columns c;
  for (auto& r : by_user)
    for (auto& e : r->events)
      c.add(*r, e);
  auto rows = db.exec("SELECT chain, busy, appended FROM mana_ai.append_audit($1::text[], $2::text[], $3::uuid[],"
                      " $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9)",
                      c.users.str(), c.missions.str(), c.runs.str(), c.iterations.str(), c.tables.str(),
                      c.records.str(), c.statuses.str(), c.reasons.str(), limit.count());
  audit_appended out;
  for (const auto& row : rows) {
    out.rows += row["appended"].as<std::size_t>();
    if (row["busy"].as<bool>())
      out.busy.push_back({row["chain"].as<std::string>()});
  }
  return out;
}

} // namespace mana
