// An HTTP/1.1 server on an io_loop, one coroutine per connection.
//
//   what                                    the client sees
//   request line and header too large       431, close
//   body too large for its route            413 before the body is read, close
//   not HTTP, bad target or length          400, close
//   header or request not there in time     close (deadlines count from the request's first byte,
//                                           however slowly the rest trickles in)
//   response not taken in time              close
//   too many connections, or large bodies   503, close
//   the server stops, and it is a WebSocket close 1001
//   the server drains                       its answer, close
//   the handler throws                      500
// All errors are JSON, see error_response.hpp.
//
// Each request has a span, in the trace that its `traceparent` names, or in a new one.
#pragma once

#include "http/server/message.hpp"
#include "http/server/websocket.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/tracing/tracer.hpp"
#include "messages/result.hpp"

#include <utility> // Boost 1.74: asio/awaitable.hpp uses std::exchange without it

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

namespace mana::http {

// Runs on the loop's thread, so it must not block; it has deadlines of its own.
using handler = std::function<boost::asio::awaitable<response>(request)>;

// A request that was answered, or refused before it reached a handler.
struct exchange {
  std::string method; // empty when there was none
  std::string route;  // the pattern, empty when none matched
  unsigned status = 0;
  std::chrono::nanoseconds duration{0}; // from the complete request to its answer
  started_span span;                    // none when there was no request
};

// A route that takes larger bodies than the others.
struct body_rule {
  std::size_t max_bytes = 0;
  // Asked before a body above server_config::max_body_bytes, or of unknown size, is read: so that only
  // those who may use the route can make the server hold that much. A response refuses the request.
  // The request is read before the first suspension only.
  std::function<boost::asio::awaitable<std::optional<response>>(const request&)> admit;
};

struct server_config {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0; // 0 takes a free one
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 1024 * 1024;
  // The rule of a request's route; nullptr, or no function: max_body_bytes. Called on the loop's thread.
  std::function<const body_rule*(const request&)> body_rule_of;
  std::size_t max_large_bodies = 16; // above max_body_bytes, at once
  std::size_t max_connections = 4096;
  std::chrono::milliseconds header_timeout{10'000};  // also for the first byte of a new connection
  std::chrono::milliseconds request_timeout{30'000}; // header and body
  std::chrono::milliseconds idle_timeout{60'000};    // between two requests
  std::chrono::milliseconds write_timeout{30'000};   // for one whole response
  websocket_rules sockets;
  tracing::tracer tracer;                       // starts the spans that `observe` ends
  std::function<void(const exchange&)> observe; // called on the loop's thread; may be empty
  // What every answer to this request carries besides its own headers, also one that never reached
  // the handler; `body` is not there yet. Called on the loop's thread; may be empty.
  std::function<header_list(const request&)> added_headers;
};

class server {
public:
  // config_invalid when the address cannot be listened on.
  static result<std::unique_ptr<server>> start(io_loop& loop, server_config cfg, handler h);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  // Stops without grace. What the handler refers to must live until the loop has been joined.
  ~server();

  std::uint16_t port() const noexcept { return port_; }

  struct stopped {
    std::size_t cut = 0; // requests that were not finished within the grace
  };
  // From now on every answer is the last one of its connection: clients come again on another one, which load balancers
  // lead elsewhere, and stop() closes none of them under a request that is on its way. From any thread.
  void drain();
  // Stops accepting, closes idle connections, lets requests in progress finish and cuts them when
  // the grace is over. Ready when no connection is open, at the latest then. From any thread; the
  // first call counts.
  std::shared_future<stopped> stop(std::chrono::milliseconds grace);

private:
  struct core;
  class connection;
  explicit server(std::shared_ptr<core> c);
  static boost::asio::awaitable<void> accept_connections(std::shared_ptr<core> c);
  static boost::asio::awaitable<void> serve(std::shared_ptr<core> c, std::shared_ptr<connection> conn);

  std::shared_ptr<core> core_;
  std::uint16_t port_;
};

} // namespace mana::http
