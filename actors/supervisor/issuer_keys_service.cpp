#include "actors/supervisor/issuer_keys_service.hpp"

#include "actors/supervisor/runner_observers.hpp"
#include "actors/token_keys/token_keys_actor.hpp"
#include "infra/http_client/url.hpp"
#include "infra/log/log.hpp"

#include <memory>

namespace mana {

namespace {

token_keys_observer observe_keys() {
  auto troubles = std::make_shared<trouble_log>();
  token_keys_observer o;
  o.fetched = [troubles](std::size_t keys) {
    troubles->ended("fetch_token_keys");
    log::debug("token_keys_fetched", {{"keys", keys}});
  };
  o.failed = [troubles](const failure& why) { troubles->happened("fetch_token_keys", why); };
  return o;
}

} // namespace

result<std::unique_ptr<issuer_keys_service>> issuer_keys_service::start(caf::actor_system& sys, io_loop& loop,
                                                                        const config::settings& s,
                                                                        child_group::give_up on_give_up) {
  if (auto at = net::parse_url(s.auth_url); !at)
    return failure{errc::config_invalid, "MANA_AUTH_URL: " + at.error().detail};
  std::unique_ptr<issuer_keys_service> service{new issuer_keys_service{sys}};
  token_keys_config config;
  config.url = s.auth_url;
  service->keys_ = service->children_.add<token_keys_actor>("token_keys", [&sys, &loop, config] {
    auto keys = spawn_token_keys(sys, loop, config, observe_keys());
    return keys ? caf::actor_cast<caf::actor>(*keys) : caf::actor{};
  });
  service->children_.watch(std::move(on_give_up));
  return service;
}

issuer_keys_service::~issuer_keys_service() { stop(); }

token_keys_actor issuer_keys_service::keys() const {
  std::lock_guard lock{mutex_};
  return keys_;
}

void issuer_keys_service::stop() {
  {
    std::lock_guard lock{mutex_};
    keys_ = nullptr;
  }
  children_.stop();
}

} // namespace mana
