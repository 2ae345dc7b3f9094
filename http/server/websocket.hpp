// A WebSocket (RFC 6455) on a connection of the server, for a route whose response carries a
// websocket_session. One coroutine may read while another writes; both run on the server's loop.
//
//   what                                     what happens
//   a message is larger than allowed         close 1009
//   nothing arrives, not even a pong         a ping after half the idle timeout, the connection is cut at its end
//   a message is not taken in time           the connection is cut
//   the server stops                         close 1001
#pragma once

#include <utility> // Boost 1.74: asio/awaitable.hpp uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mana::http {

struct websocket_rules {
  std::size_t max_message_bytes = 16 * 1024;          // until the session says otherwise
  std::chrono::milliseconds handshake_timeout{5'000}; // also of the closing one
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds write_timeout{10'000}; // for one message
};

class websocket : public std::enable_shared_from_this<websocket> {
public:
  // Why the connection ended, as far as this side knows.
  enum class end : std::uint8_t { open, by_peer, by_us, slow };

  websocket(boost::asio::ip::tcp::socket socket, const websocket_rules& rules);
  ~websocket();

  // The next message; nullopt: the connection is over.
  boost::asio::awaitable<std::optional<std::string>> read();
  // A text message. False: the connection is over.
  boost::asio::awaitable<bool> write(std::string text);
  // Says goodbye and waits for the peer to do the same; returns when the connection is gone. Later calls
  // wait for the first one.
  boost::asio::awaitable<void> close(std::uint16_t code, std::string reason);
  // The same from outside of a coroutine.
  void begin_close(std::uint16_t code, std::string reason);
  void limit_messages(std::size_t bytes);
  end ended() const noexcept;

  // For the server. accept(): `request` is the handshake, as Beast's parser holds it.
  template <class Request>
  boost::asio::awaitable<bool> accept(Request& request);
  void cut();

private:
  struct state;
  void limit_closing();
  std::unique_ptr<state> state_;
};

using websocket_ptr = std::shared_ptr<websocket>;

} // namespace mana::http
