// The conversation on /ws:
//
//   client  {"type":"auth","token":"<JWT>"}       the first message, within 10 s; else close 4401
//   server  {"type":"auth-ok"}
//   server  {"type":"sync-available","appId":"todo","tables":["tasks"]}
//                                                 after a commit of that user, by whoever; coalesced. No
//                                                 tables: any; appId "*": everything, notices were missed
// What else the client says is ignored up to 4 KiB a message. Close codes: 4401 the token does not hold or
// has expired, 1013 too many connections, or the database does not answer: come again later, 1012 come
// again now, 1001 the service stops, 1009 too large a message.
#pragma once

#include "http/server/message.hpp"
#include "http/sync_front.hpp"

namespace mana::http {

websocket_session sync_socket(sync_front_ptr front);

} // namespace mana::http
