// The routes of the sync target (contract, section 5, "Sync"), for the user of a Bearer token:
//
//   POST /sync/{appId}        `{clientId, since, schemaVersion?, changes}` appends to the user's log, all or
//                             nothing; at most 10 MiB, of which more than 1 MiB only with a token that holds
//   GET  /sync/{appId}/pull   ?since=&collection=&limit=
//                             both 200 `{serverChanges, conflicts, syncedUntil, hasMore}`
//   GET  /ws                  WebSocket, see sync_socket.hpp; 426 without a handshake, 403 for pages of
//                             other origins
#pragma once

#include "http/server/router.hpp"
#include "http/sync_front.hpp"

namespace mana::http {

inline constexpr std::size_t max_push_bytes = 10 * 1024 * 1024;

void add_sync_routes(router& r, sync_front_ptr front);

// sync_database and sync_migrations of /ready.
probed_target probed_sync(sync_front_ptr front);

} // namespace mana::http
