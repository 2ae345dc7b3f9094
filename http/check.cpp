#include "http/check.hpp"

#include "actors/llm_client/llm_client_actor.hpp"
#include "actors/planner/tool_catalogue.hpp"
#include "actors/schema_keeper/schema_queries.hpp"
#include "actors/supervisor/llm_settings.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/postgres/migrator.hpp"

#include <cstdio>
#include <vector>

namespace mana {

namespace {

using findings = std::vector<schema_finding>;

void check_database(const config::settings& s, findings& out) {
  auto inspected = pg::attempt([&] {
    pg::connection db{s.sync_database_url.reveal()};
    return inspect_schema(db);
  });
  if (!inspected) {
    out.push_back({"database", false, true, "SYNC_DATABASE_URL: " + inspected.error().detail});
    return;
  }
  out.push_back({"database", true, true, "connected"});
  out.insert(out.end(), inspected->begin(), inspected->end());
}

void check_migrator(const config::settings& s, findings& out) {
  if (s.migration_database_url.empty()) {
    out.push_back({"migrator", true, true, "MIGRATION_DATABASE_URL is not set: this process does not migrate"});
    return;
  }
  auto may = pg::attempt([&] {
    pg::connection db{s.migration_database_url.reveal()};
    return db.exec("SELECT pg_has_role(current_user, 'mana_ai_owner', 'MEMBER')")[0][0].as<bool>();
  });
  if (!may)
    out.push_back({"migrator", false, true, "MIGRATION_DATABASE_URL: " + may.error().detail});
  else if (!*may)
    out.push_back({"migrator", false, true,
                   "the login of MIGRATION_DATABASE_URL is no member of mana_ai_owner: run "
                   "deploy/sql/00_roles.sql"});
  else
    out.push_back({"migrator", true, true, "may act as mana_ai_owner"});
}

void check_catalogue(findings& out) {
  auto catalogue = load_embedded_tool_catalogue();
  if (!catalogue)
    out.push_back({"tool catalogue", false, true, catalogue.error().detail});
  else
    out.push_back({"tool catalogue", true, true, std::to_string(catalogue->tools.size()) + " tools, policy agrees"});
}

schema_finding ask_llm(caf::actor_system& sys, const llm_client_actor& llm) {
  schema_finding f{"LLM", false, true, {}};
  caf::scoped_actor self{sys};
  chat_call call{std::make_shared<const chat_prompt>(
      chat_prompt{sensitive_text{"Answer with one word."}, sensitive_text{"Say OK."}})};
  self->request(llm, caf::infinite, std::move(call))
      .receive(
          [&](const chat_answer&) {
            f.good = true;
            f.text = "answers";
          },
          [&](const caf::error& e) {
            auto why = to_failure(e);
            f.text = "MANA_LLM_URL: " + std::string{to_string(why.code)} + ": " + why.detail;
          });
  return f;
}

void check_llm(const config::settings& s, findings& out) {
  struct config : caf::actor_system_config {
    config() { set("scheduler.max-threads", std::size_t{1}); }
  } cfg;
  caf::actor_system sys{cfg};
  io_loop loop{sys};
  auto llm_config = llm_config_of(s);
  llm_config.retry.max_attempts = 1;
  llm_config.max_tokens = 16;
  auto llm = spawn_llm_client(sys, loop, llm_config);
  if (!llm) {
    out.push_back({"LLM", false, true, llm.error().detail});
    return;
  }
  out.push_back(ask_llm(sys, *llm));
  caf::scoped_actor self{sys};
  self->send_exit(*llm, caf::exit_reason::user_shutdown);
  self->wait_for(*llm);
}

} // namespace

int check(const config::settings& settings, config::target_set targets) {
  findings all{{"settings", true, true, "complete"}};
  if (targets.contains(config::target::runner)) {
    check_catalogue(all);
    check_database(settings, all);
    check_migrator(settings, all);
    check_llm(settings, all);
  }
  bool wrong = false;
  for (auto& f : all) {
    std::printf("%-5s %-16s %s\n", f.good ? "ok" : f.fatal ? "FAIL" : "WARN", f.part.c_str(), f.text.c_str());
    wrong = wrong || (!f.good && f.fatal);
  }
  return wrong ? 1 : 0;
}

} // namespace mana
