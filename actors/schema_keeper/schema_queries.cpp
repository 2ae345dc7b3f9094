#include "actors/schema_keeper/schema_queries.hpp"

#include "infra/postgres/migrator.hpp"

namespace mana {

namespace {

schema_finding login(pg::connection& db) {
  auto row = db.exec("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")[0];
  auto name = row[0].as<std::string>();
  if (row[1].as<bool>())
    return {"login", false, false,
            "the login " + name + " is superuser, row level security does not hold: log in as mana_ai_runner"};
  if (row[2].as<bool>())
    return {"login", false, false,
            "the login " + name + " has BYPASSRLS, row level security does not hold: log in as mana_ai_runner"};
  return {"login", true, true, name + ", bound by row level security"};
}

schema_finding change_log(pg::connection& db) {
  auto rows = db.exec("SELECT relrowsecurity AND relforcerowsecurity,"
                      " has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
                      " FROM pg_class WHERE oid = to_regclass('public.sync_changes')");
  if (rows.empty())
    return {"change log", false, true,
            "public.sync_changes does not exist: start the sync service first, or run "
            "deploy/sql/10_standalone_sync.sql"};
  if (!rows[0][1].as<bool>())
    return {"change log", false, true, "no right to SELECT and INSERT: run deploy/sql/20_grants.sql"};
  if (!rows[0][0].as<bool>())
    return {"change log", false, false, "row level security is not enabled and forced on public.sync_changes"};
  return {"change log", true, true, "public.sync_changes, row level security forced"};
}

schema_finding migrations(pg::connection& db) {
  constexpr auto advice = ": run `mana-ai migrate` with MIGRATION_DATABASE_URL";
  auto exists = db.exec("SELECT to_regclass('mana_ai.schema_migrations') IS NOT NULL")[0][0].as<bool>();
  if (!exists)
    return {"migrations", false, true, std::string{"schema mana_ai is empty"} + advice};
  auto state = pg::migration_state_of(db);
  if (!state)
    return {"migrations", false, true, "cannot be read (" + state.error().detail + ")" + advice};
  auto numbers = std::to_string(state->applied) + " applied, " + std::to_string(state->known) + " known";
  if (state->applied < state->known)
    return {"migrations", false, true, numbers + advice};
  return {"migrations", true, true, numbers};
}

schema_finding trigger(pg::connection& db) {
  auto rows = db.exec("SELECT tgenabled FROM pg_trigger WHERE tgname = 'mana_ai_note_mission_change'"
                      " AND tgrelid = to_regclass('public.sync_changes')");
  if (rows.empty())
    return {"change capture", false, true, "the trigger on public.sync_changes is missing: run `mana-ai migrate`"};
  if (rows[0][0].as<std::string>() == "D")
    return {"change capture", false, true, "the trigger on public.sync_changes is disabled: enable it"};
  return {"change capture", true, true, "trigger in place"};
}

} // namespace

std::vector<schema_finding> inspect_schema(pg::connection& db) {
  return {login(db), change_log(db), migrations(db), trigger(db)};
}

schema_status status_of(const std::vector<schema_finding>& findings) {
  schema_status s;
  s.migrated = true;
  for (auto& f : findings) {
    if (f.good)
      continue;
    if (!f.fatal) {
      s.warnings.push_back(f.text);
      continue;
    }
    s.migrated = false;
    if (s.failing_because.empty())
      s.failing_because = f.part + ": " + f.text;
  }
  return s;
}

} // namespace mana
