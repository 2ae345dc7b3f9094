// What the routes of the sync target share: who is asked, who is calling, and who is told.
#pragma once

#include "http/probe_routes.hpp"
#include "http/server/bearer.hpp"
#include "http/server/identity.hpp"
#include "messages/schema_keeper.hpp"
#include "messages/sync_handles.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mana::http {

// All may be empty. Called on the server's loop.
struct sync_front_observer {
  std::function<void(std::size_t)> rows_sent;
  std::function<void()> message_sent;
  // client, unauthorized, expired, refused, slow, restart
  std::function<void(std::string_view why)> socket_closed;
};

// The functions are called on the server's loop, must not block, and live as long as the loop runs.
struct sync_front {
  caf::actor_system* system = nullptr;
  std::function<sync_handles()> handles;
  std::function<schema_status()> schema;
  identity_check identify; // of requests
  token_check claims_of;   // of WebSockets
  std::function<timestamp()> now;
  std::string base_url; // of this service as browsers see it
  std::vector<std::string> cors_origins;
  std::chrono::milliseconds sign_in_within{10'000}; // of a WebSocket
  sync_front_observer observer;
};
using sync_front_ptr = std::shared_ptr<const sync_front>;

} // namespace mana::http
