// Internal to the server: what its connections share, and one connection.
#pragma once

#include "http/server/incoming.hpp"
#include "http/server/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <optional>
#include <unordered_set>

namespace mana::http {

namespace asio = boost::asio;

inline auto into(boost::system::error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

// Status line and header fields with the empty line behind them. Fields with control characters are
// left out: a value from outside must not become a header of its own.
std::string head_of(const response& r, bool keep_alive);

// Kept alive by every coroutine that uses it; touched on the loop's thread only.
struct server::core {
  core(asio::io_context& context, server_config c, handler h);

  void observe(std::string_view method, const response& r, std::chrono::nanoseconds duration,
               const started_span& span) const;
  void begin_stop(std::chrono::milliseconds grace, const std::shared_ptr<core>& self);
  void finish_if_done();
  void cut_all();

  server_config cfg;
  handler handle;
  asio::ip::tcp::acceptor acceptor;
  asio::steady_timer accept_pause;
  asio::steady_timer grace_timer;
  std::unordered_set<std::shared_ptr<connection>> connections;
  std::size_t large_bodies = 0; // being read or handled
  bool accepting = true;
  bool draining = false;
  bool stopping = false;
  bool reported = false;
  std::promise<stopped> done;
  std::shared_future<stopped> done_future{done.get_future().share()};
};

class server::connection {
public:
  connection(core& c, asio::ip::tcp::socket socket);

  // Serves requests until the connection is over, and closes it.
  asio::awaitable<void> run();

  // For the server's stop.
  void close_if_idle();
  bool is_busy() const { return phase_ == phase::busy; }
  void cut();

private:
  enum class phase { idle, busy };
  struct client_watch;

  asio::awaitable<bool> wait_for_first_byte(bool is_fresh);
  asio::awaitable<bool> serve_one();
  asio::awaitable<std::optional<response>> read(request_parser& p);
  asio::awaitable<std::optional<response>> judged_body(request_parser& p);
  asio::awaitable<response> answered(request_parser& p, std::optional<response>& rejection, const started_span& span);
  asio::awaitable<void> send_continue();
  asio::awaitable<response> handled(request req, const started_span& span);
  void watch_client(std::function<void()> gone);
  void stop_watching();
  asio::awaitable<bool> send(const response& r, bool without_body, bool keep_alive);
  asio::awaitable<void> upgrade(request_parser& p, websocket_session session);
  asio::awaitable<void> wait_until_closed();
  asio::awaitable<void> linger();
  void close();
  void end_large_body();

  core& core_;
  boost::beast::tcp_stream stream_;
  // A request may hold a key.
  boost::beast::basic_flat_buffer<cleansing_allocator<char>> buffer_;
  asio::steady_timer delay_;
  std::string remote_address_;
  std::shared_ptr<client_watch> watch_; // while a handler wants to know
  phase phase_ = phase::idle;
  bool has_large_body_ = false;
  websocket_ptr socket_; // has taken over the stream's socket
};

} // namespace mana::http
