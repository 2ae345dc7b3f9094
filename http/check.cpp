#include "http/check.hpp"

#include "actors/key_vault/kek_ring.hpp"
#include "actors/llm_client/llm_client_actor.hpp"
#include "actors/planner/tool_catalogue.hpp"
#include "actors/schema_keeper/schema_queries.hpp"
#include "actors/supervisor/llm_settings.hpp"
#include "http/web/web_settings.hpp"
#include "infra/crypto/random_uuid.hpp"
#include "infra/crypto/rsa_keys.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/postgres/migrator.hpp"
#include "infra/postgres/notifications.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace mana {

namespace {

using findings = std::vector<schema_finding>;

// A target's database: the setting with its URL, what it needs, and a word before the parts' names.
struct checked_database {
  const char* setting;
  const config::secret_text& url;
  schema_needs needs;
  std::string prefix;
};

void check_database(const checked_database& d, findings& out) {
  auto inspected = pg::attempt([&] {
    pg::connection db{d.url.reveal()};
    return d.needs.inspect(db);
  });
  if (!inspected) {
    out.push_back({d.prefix + "database", false, true, d.setting + (": " + inspected.error().detail)});
    return;
  }
  out.push_back({d.prefix + "database", true, true, "connected"});
  for (auto& f : *inspected) {
    f.part = d.prefix + f.part;
    out.push_back(std::move(f));
  }
}

// As a listener needs it: what one connection sends must reach another that waits for it.
void check_notifications(const checked_database& d, const char* setting, const config::secret_text& listen_url,
                         findings& out) {
  auto part = d.prefix + "notifications";
  auto& listens_at = listen_url.empty() ? d.url : listen_url;
  auto heard = pg::attempt([&] {
    auto channel = "mana_ai_check_" + random_uuid();
    pg::notification_source source{listens_at.reveal(), {channel}};
    pg::connection{d.url.reveal()}.exec("SELECT pg_notify($1, '')", channel);
    return !source.wait(std::chrono::seconds{2}).empty();
  });
  if (!heard)
    out.push_back({part, false, false, heard.error().detail});
  else if (!*heard)
    out.push_back({part, false, false,
                   std::string{"do not arrive, so the log is polled: "} + setting
                       + " must lead to the same server, past a transaction pooler"});
  else
    out.push_back({part, true, true, "arrive"});
}

void check_migrator(const config::settings& s, const checked_database& d, const char* roles_file, findings& out) {
  auto part = d.prefix + "migrator";
  if (s.migration_database_url.empty()) {
    out.push_back({part, true, true, "MIGRATION_DATABASE_URL is not set: this process does not migrate"});
    return;
  }
  std::string owner{d.needs.migrations->owner};
  auto may = pg::attempt([&] {
    pg::connection db{s.migration_database_url.reveal()};
    return db.exec("SELECT pg_has_role(current_user, $1, 'MEMBER')", owner)[0][0].as<bool>();
  });
  if (!may)
    out.push_back({part, false, true, "MIGRATION_DATABASE_URL: " + may.error().detail});
  else if (!*may)
    out.push_back({part, false, true,
                   "the login of MIGRATION_DATABASE_URL is no member of " + owner + ": run deploy/sql/" + roles_file});
  else
    out.push_back({part, true, true, "may act as " + owner});
}

// That the keys can be read was checked with the settings.
void check_keks(const config::settings& s, findings& out) {
  auto keks = kek_ring::parse(s.auth_keks.reveal());
  if (!keks)
    out.push_back({"auth KEK", false, true, "MANA_AUTH_KEK: " + keks.error().detail});
  else
    out.push_back({"auth KEK", true, true, std::to_string(keks->size()) + " keys, " + keks->first_id() + " wraps"});
}

// Grants that this process issues should be grants that it opens, if it does both.
void check_grant_key(const config::settings& s, config::target_set targets, findings& out) {
  constexpr auto part = "auth grant key";
  if (s.ai_public_key.empty()) {
    out.push_back({part, false, false, "MANA_AI_PUBLIC_KEY_PEM is not set: no grants are issued"});
    return;
  }
  auto key = crypto::rsa_public_key::parse(s.ai_public_key.reveal());
  if (!key) {
    out.push_back({part, false, true, "MANA_AI_PUBLIC_KEY_PEM: " + key.error().detail});
    return;
  }
  auto own = crypto::parse_private_keys(s.ai_private_keys.reveal());
  bool opens_grants = targets.contains(config::target::runner) && own && !own->empty();
  auto fits = [&](auto& k) { return k.key_id() == key->key_id(); };
  if (opens_grants && std::none_of(own->begin(), own->end(), fits))
    out.push_back({part, false, true, "no key of MANA_AI_PRIVATE_KEY_PEM belongs to MANA_AI_PUBLIC_KEY_PEM"});
  else
    out.push_back({part, true, true, "grants are for key " + key->key_id()});
}

void check_catalogue(findings& out) {
  auto catalogue = load_embedded_tool_catalogue();
  if (!catalogue)
    out.push_back({"tool catalogue", false, true, catalogue.error().detail});
  else
    out.push_back({"tool catalogue", true, true, std::to_string(catalogue->tools.size()) + " tools, policy agrees"});
}

schema_finding ask_llm(caf::actor_system& sys, const llm_client_actor& llm, const std::string& setting) {
  schema_finding f{"LLM", false, true, {}};
  caf::scoped_actor self{sys};
  chat_call call{std::make_shared<const chat_prompt>(
                     chat_prompt{sensitive_text{"Answer with one word."}, sensitive_text{"Say OK."}}),
                 {}};
  self->request(llm, caf::infinite, std::move(call))
      .receive(
          [&](const chat_answer&) {
            f.good = true;
            f.text = setting + " answers";
          },
          [&](const caf::error& e) {
            auto why = to_failure(e);
            f.text = setting + ": " + std::string{to_string(why.code)} + ": " + why.detail;
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
  auto all = std::exchange(llm_config.endpoints, {});
  for (std::size_t i = 0; i < all.size(); ++i) {
    llm_config.endpoints = {all[i]};
    auto setting = i == 0 ? std::string{"MANA_LLM_URL"} : "MANA_LLM_URL_" + std::to_string(i + 1);
    auto llm = spawn_llm_client(sys, loop, llm_config);
    if (!llm) {
      out.push_back({"LLM", false, true, setting + ": " + llm.error().detail});
      continue;
    }
    out.push_back(ask_llm(sys, *llm, setting));
    caf::scoped_actor self{sys};
    self->send_exit(*llm, caf::exit_reason::user_shutdown);
    self->wait_for(*llm);
  }
}

void check_web(const config::settings& s, findings& out) {
  auto app = http::web_app_of(s);
  if (!app)
    out.push_back({"web app", false, true, app.error().detail});
  else
    out.push_back({"web app", true, true, std::to_string(app->files.by_path.size()) + " files in " + s.web_root});
}

} // namespace

int check(const config::settings& settings, config::target_set targets) {
  findings all{{"settings", true, true, "complete"}};
  if (targets.contains(config::target::runner)) {
    checked_database database{"SYNC_DATABASE_URL", settings.sync_database_url, runner_schema(), ""};
    check_catalogue(all);
    check_database(database, all);
    check_notifications(database, "LISTEN_DATABASE_URL", settings.listen_database_url, all);
    check_migrator(settings, database, "00_roles.sql", all);
    check_llm(settings, all);
  }
  if (targets.contains(config::target::auth)) {
    checked_database database{"DATABASE_URL", settings.auth_database_url, auth_schema(), "auth "};
    check_database(database, all);
    check_migrator(settings, database, "01_auth_roles.sql", all);
    check_keks(settings, all);
    check_grant_key(settings, targets, all);
  }
  if (targets.contains(config::target::sync)) {
    checked_database database{"SYNC_TARGET_DATABASE_URL", settings.sync_target_database_url, sync_schema(), "sync "};
    check_database(database, all);
    check_notifications(database, "SYNC_TARGET_LISTEN_URL", settings.sync_target_listen_url, all);
    check_migrator(settings, database, "10_standalone_sync.sql", all);
  }
  if (targets.contains(config::target::web))
    check_web(settings, all);
  bool wrong = false;
  for (auto& f : all) {
    std::printf("%-5s %-16s %s\n", f.good ? "ok" : f.fatal ? "FAIL" : "WARN", f.part.c_str(), f.text.c_str());
    wrong = wrong || (!f.good && f.fatal);
  }
  return wrong ? 1 : 0;
}

} // namespace mana
