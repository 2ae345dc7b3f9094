#include "actors/supervisor/auth_service.hpp"

#include "actors/database/database_actor.hpp"
#include "actors/grant_issuer/grant_issuer_actor.hpp"
#include "actors/key_vault/key_vault_actor.hpp"
#include "actors/schema_keeper/schema_keeper_actor.hpp"
#include "actors/sign_in/password_hasher_actor.hpp"
#include "actors/sign_in/sign_in_actor.hpp"
#include "actors/supervisor/key_settings.hpp"
#include "actors/supervisor/runner_observers.hpp"
#include "infra/log/log.hpp"
#include "infra/metrics/series.hpp"

#include <mutex>

namespace mana {

namespace {

// The runner's pool owns the gauge of waiting jobs.
database_observer observe_auth_database(metrics::registry& r) {
  auto o = observe_database(r);
  o.queue_depth = [](std::size_t) {};
  return o;
}

vault_observer observe_vault(metrics::registry& r) {
  auto m = std::make_shared<metrics::vault_metrics>(r);
  vault_observer o;
  o.attempted = [m](vault_action action, std::string_view outcome) {
    m->attempt(to_string(action), outcome).Increment();
  };
  o.unrecorded = [m](const vault_attempt& what, const failure& why) {
    m->unrecorded.Increment();
    log::error("vault_attempt_unrecorded",
               {{"action", to_string(what.action)}, {"error", why.code}, {"detail", why.detail}});
  };
  return o;
}

timestamp wall_clock() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

sign_in_config sign_in_config_of(const config::settings& s) {
  sign_in_config c;
  c.issuer = s.base_url;
  c.audience = s.audience;
  c.token_ttl = s.token_ttl;
  c.session_ttl = s.session_ttl;
  return c;
}

sign_in_actor add_sign_in(child_group& children, caf::actor_system& sys, const config::settings& s,
                          const crypto::signing_key& key, const database_actor& database) {
  auto hasher = children.add<password_hasher_actor>("password_hasher", [&sys] {
    return caf::actor_cast<caf::actor>(sys.spawn<password_hasher>(password_hasher_config{}));
  });
  sign_in_deps deps;
  deps.database = database;
  deps.hasher = hasher;
  deps.now = wall_clock;
  deps.token_reused = [](const user_id& user) {
    log::warn("refresh_token_reused", {{"user", user}, {"advice", "it was stolen, or copied; its session has ended"}});
  };
  return children.add<sign_in_actor>("sign_in", [&sys, deps, key, config = sign_in_config_of(s)] {
    return caf::actor_cast<caf::actor>(sys.spawn<sign_in>(config, key, deps));
  });
}

failure wrong_key(const char* setting, failure f) {
  f.detail = std::string{setting} + ": " + f.detail;
  return f;
}

result<grant_desk> grant_desk_of(const config::settings& s) {
  grant_desk desk;
  desk.max_per_hour = s.grants_per_hour;
  if (s.ai_public_key.empty())
    return desk;
  auto key = crypto::rsa_public_key::parse(s.ai_public_key.reveal());
  if (!key)
    return wrong_key("MANA_AI_PUBLIC_KEY_PEM", std::move(key).error());
  desk.runner = std::move(*key);
  return desk;
}

} // namespace

// Read by the HTTP loop, written by actors.
struct auth_service::shared {
  mutable std::mutex mutex;
  auth_handles handles;
  schema_status schema{false, "not looked at yet", {}};
};

auth_service::auth_service(caf::actor_system& system, std::shared_ptr<shared> board)
  : board_(std::move(board)), children_(system) {}

auth_service::~auth_service() { stop(); }

result<std::unique_ptr<auth_service>> auth_service::start(caf::actor_system& sys, const config::settings& s,
                                                          metrics::registry& registry, give_up on_give_up) {
  auto parsed_keks = kek_ring::parse(s.auth_keks.reveal());
  if (!parsed_keks)
    return wrong_key("MANA_AUTH_KEK", std::move(parsed_keks).error());
  auto desk = grant_desk_of(s);
  if (!desk)
    return std::move(desk).error();
  auto signing_keys = own_signing_keys(s);
  if (!signing_keys)
    return std::move(signing_keys).error();
  auto keks = std::make_shared<const kek_ring>(std::move(*parsed_keks));
  auto board = std::make_shared<shared>();
  std::unique_ptr<auth_service> a{new auth_service{sys, board}};
  auto url = s.auth_database_url.reveal();
  auto* reg = &registry;
  auto observer = observe_vault(registry);
  // A factory holds handles of supervised children, which stay valid over restarts.
  auto as_child = [](auto handle) { return caf::actor_cast<caf::actor>(handle); };

  auto database = a->children_.add<database_actor>("auth_database", [=, &sys, n = s.database_connections] {
    return as_child(sys.spawn<mana::database>(database_config{url, n}, observe_auth_database(*reg)));
  });
  a->children_.add<schema_keeper_actor>("auth_schema_keeper", [=, &sys, migration = s.migration_database_url.reveal()] {
    auto publish = [board](const schema_status& status) {
      std::lock_guard lock{board->mutex};
      board->schema = status;
    };
    return as_child(sys.spawn<schema_keeper, caf::detached>(schema_keeper_config{auth_schema(), url, migration},
                                                            observe_schema(publish)));
  });
  auto vault = a->children_.add<key_vault_actor>(
      "key_vault", [=, &sys] { return as_child(sys.spawn<key_vault>(database, keks, observer)); });
  auto grants = a->children_.add<grant_issuer_actor>("grant_issuer", [=, &sys, desk = *desk] {
    return as_child(sys.spawn<grant_issuer>(database, keks, desk, observer));
  });
  sign_in_actor signer;
  if (s.standalone_sign_in && !signing_keys->empty())
    signer = add_sign_in(a->children_, sys, s, signing_keys->front(), database);
  {
    std::lock_guard lock{board->mutex};
    board->handles = {database, vault, grants, signer};
  }
  a->children_.watch(std::move(on_give_up));
  return a;
}

auth_handles auth_service::handles() const {
  std::lock_guard lock{board_->mutex};
  return board_->handles;
}

schema_status auth_service::schema() const {
  std::lock_guard lock{board_->mutex};
  return board_->schema;
}

void auth_service::stop() {
  {
    std::lock_guard lock{board_->mutex};
    board_->handles = {};
  }
  children_.stop();
}

} // namespace mana
