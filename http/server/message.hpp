// What a route's handler gets and gives: requests and responses without Beast.
#pragma once

#include "messages/sensitive_text.hpp"
#include "messages/span.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility> // Boost 1.74: asio/awaitable.hpp uses std::exchange without it
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace mana::http {

class websocket; // http/server/websocket.hpp
// Owns the conversation; the connection is closed (1000) when it returns, unless it was before.
using websocket_session = std::function<boost::asio::awaitable<void>(std::shared_ptr<websocket>)>;

struct request {
  std::string method;                             // upper case: GET, POST, OPTIONS …
  std::string path;                               // percent-decoded, without the query
  std::vector<std::string> segments;              // of the path, decoded one by one: may hold a slash
  std::map<std::string, std::string> query;       // decoded; the last one of a name
  std::map<std::string, std::string> path_params; // by the names of the route's pattern
  std::map<std::string, std::string> headers;     // names in lower case; repeated ones joined by ", "
  std::string body;
  std::string remote_address; // of the connection's peer: a proxy's when there is one; may be empty
  span_context trace;         // its span; of whatever the handler does that has spans, the parent
  // For handlers that wait long: calls `then` on the loop's thread, once, when the client closes its end or the
  // connection is cut before the response is sent. Empty where no connection is. Not to be called after the handler.
  std::function<void(std::function<void()> then)> when_client_is_gone;
};

using header_list = std::vector<std::pair<std::string, std::string>>;

struct response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  sensitive_text secret_body;                     // sent instead of `body` unless empty; overwritten with the response
  std::shared_ptr<const std::string> shared_body; // sent instead of both unless null: files, without a copy
  header_list headers;
  std::string route; // the pattern that matched, set by the router; empty: none did
  // Set, and the status is 101: the connection becomes a WebSocket, unless the request is no handshake.
  websocket_session websocket;
  // Released when the response has been sent or the connection is gone.
  std::shared_ptr<const void> until_sent;

  // Fault modes of the LLM stand-in: wait before sending; send only so many bytes of the body, then
  // close; never answer.
  std::chrono::milliseconds delay{0};
  std::optional<std::size_t> cut_after;
  bool hang = false;

  std::string_view content() const {
    if (shared_body)
      return *shared_body;
    return secret_body.empty() ? std::string_view{body} : secret_body.view();
  }
};

} // namespace mana::http
