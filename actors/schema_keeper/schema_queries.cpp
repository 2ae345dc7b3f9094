#include "actors/schema_keeper/schema_queries.hpp"

namespace mana {

namespace {

schema_finding login(pg::connection& db, const std::string& right_login) {
  auto row = db.exec("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")[0];
  auto name = row[0].as<std::string>();
  if (row[1].as<bool>())
    return {"login", false, false,
            "the login " + name + " is superuser, row level security does not hold: log in as " + right_login};
  if (row[2].as<bool>())
    return {"login", false, false,
            "the login " + name + " has BYPASSRLS, row level security does not hold: log in as " + right_login};
  return {"login", true, true, name + ", bound by row level security"};
}

schema_finding change_log(pg::connection& db, const char* rights_file) {
  auto rows = db.exec("SELECT relrowsecurity AND relforcerowsecurity,"
                      " has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
                      " FROM pg_class WHERE oid = to_regclass('public.sync_changes')");
  if (rows.empty())
    return {"change log", false, true,
            "public.sync_changes does not exist: start the sync service first, or run "
            "deploy/sql/10_standalone_sync.sql"};
  if (!rows[0][1].as<bool>())
    return {"change log", false, true, "no right to SELECT and INSERT: run deploy/sql/" + std::string{rights_file}};
  if (!rows[0][0].as<bool>())
    return {"change log", false, false, "row level security is not enabled and forced on public.sync_changes"};
  return {"change log", true, true, "public.sync_changes, row level security forced"};
}

schema_finding migrations(pg::connection& db, const pg::migration_set& set) {
  constexpr auto advice = ": run `mana-ai migrate` with MIGRATION_DATABASE_URL";
  std::string schema{set.schema};
  auto exists = db.exec("SELECT to_regclass($1) IS NOT NULL", schema + ".schema_migrations")[0][0].as<bool>();
  if (!exists)
    return {"migrations", false, true, "schema " + schema + " is empty" + advice};
  auto state = pg::migration_state_of(db, set);
  if (!state)
    return {"migrations", false, true, schema + " cannot be read (" + state.error().detail + ")" + advice};
  auto numbers =
      schema + ", " + std::to_string(state->applied) + " applied, " + std::to_string(state->known) + " known";
  if (state->applied < state->known)
    return {"migrations", false, true, numbers + advice};
  return {"migrations", true, true, numbers};
}

schema_finding trigger(pg::connection& db, const char* part, const std::string& name) {
  auto rows = db.exec("SELECT tgenabled FROM pg_trigger WHERE tgname = $1"
                      " AND tgrelid = to_regclass('public.sync_changes')",
                      name);
  if (rows.empty())
    return {part, false, true, "the trigger on public.sync_changes is missing: run `mana-ai migrate`"};
  if (rows[0][0].as<std::string>() == "D")
    return {part, false, true, "the trigger on public.sync_changes is disabled: enable it"};
  return {part, true, true, "trigger in place"};
}

schema_finding vaults(pg::connection& db) {
  auto rows = db.exec("SELECT relrowsecurity AND relforcerowsecurity,"
                      " has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
                      " FROM pg_class WHERE oid = to_regclass('mana_auth.encryption_vaults')");
  if (rows.empty())
    return {"vaults", false, true, "mana_auth.encryption_vaults does not exist: run `mana-ai migrate --target=auth`"};
  if (!rows[0][1].as<bool>())
    return {"vaults", false, true, "no right to SELECT and INSERT: log in as mana_auth"};
  if (!rows[0][0].as<bool>())
    return {"vaults", false, true, "row level security is not enabled and forced on mana_auth.encryption_vaults"};
  return {"vaults", true, true, "mana_auth.encryption_vaults, row level security forced"};
}

std::vector<schema_finding> inspect_runner_schema(pg::connection& db) {
  return {login(db, "mana_ai_runner"), change_log(db, "20_grants.sql"), migrations(db, pg::runner_migrations()),
          trigger(db, "change capture", "mana_ai_note_mission_change")};
}

std::vector<schema_finding> inspect_auth_schema(pg::connection& db) {
  return {login(db, "mana_auth"), migrations(db, pg::auth_migrations()), vaults(db)};
}

std::vector<schema_finding> inspect_sync_schema(pg::connection& db) {
  return {login(db, "mana_sync"), change_log(db, "10_standalone_sync.sql"), migrations(db, pg::sync_migrations()),
          trigger(db, "notices", "mana_sync_note_changes")};
}

} // namespace

schema_needs runner_schema() { return {&pg::runner_migrations(), inspect_runner_schema}; }

schema_needs auth_schema() { return {&pg::auth_migrations(), inspect_auth_schema}; }

schema_needs sync_schema() { return {&pg::sync_migrations(), inspect_sync_schema}; }

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
