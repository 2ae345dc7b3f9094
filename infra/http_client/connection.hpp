// connection: one TCP connection, plain or under TLS. Reading and writing are tried at once and
// never block; only when the socket is not ready does the call's coroutine wait. So a call that
// waits for its answer holds no buffer: bytes are read into one that all calls of a loop share.
#pragma once

#include "infra/http_client/call_control.hpp"
#include "infra/http_client/tls_context.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mana::net {

enum class io_state : std::uint8_t {
  done,       // `bytes` were moved; for the handshake: it is complete
  wait_read,  // try again when the socket is readable
  wait_write, // try again when the socket is writable
  closed,     // the peer ended the stream in the orderly way
  broken      // reset, cut off, or a TLS error
};

struct io_step {
  io_state state = io_state::done;
  std::size_t bytes = 0;
};

class connection {
public:
  using clock = call_control::clock;

  explicit connection(boost::asio::io_context& ctx) : socket_(ctx) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  // Says goodbye under TLS, then closes.
  ~connection();

  // The error, operation_aborted when the call was stopped.
  boost::asio::awaitable<boost::system::error_code> connect(boost::asio::ip::tcp::endpoint to, call_control& call);

  // False when out of memory.
  bool begin_tls(const tls_context& tls);
  // `broken`: tls_detail() says why, or is empty when the connection was lost in the middle.
  io_step try_handshake();
  const std::string& tls_detail() const { return tls_detail_; }

  io_step try_read(std::span<char> into);
  io_step try_write(std::string_view data);

  // False when the call was stopped.
  boost::asio::awaitable<bool> ready(io_state direction, call_control& call);

  // An idle connection: nothing to read means that the peer has neither closed it nor sent what
  // nobody asked for.
  bool still_open();

  clock::time_point idle_since{};

private:
  io_step tls_step(int returned);

  boost::asio::ip::tcp::socket socket_;
  ssl_handle ssl_;
  bool established_ = false; // TLS may be shut down in the orderly way
  std::string tls_detail_;
};

} // namespace mana::net
