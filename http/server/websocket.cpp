#include "http/server/websocket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket.hpp>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = boost::beast::websocket;
using boost::system::error_code;

namespace {

auto into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

constexpr std::size_t max_reason_bytes = 123; // RFC 6455, section 5.5.1

} // namespace

struct websocket::state {
  state(asio::ip::tcp::socket socket, const websocket_rules& r)
    : rules(r), stream(std::move(socket)), write_deadline(stream.get_executor()), close_deadline(stream.get_executor()),
      gone(stream.get_executor(), std::chrono::steady_clock::time_point::max()) {
    ws::stream_base::timeout timeouts{};
    timeouts.handshake_timeout = rules.handshake_timeout;
    timeouts.idle_timeout = rules.idle_timeout;
    timeouts.keep_alive_pings = true;
    stream.set_option(timeouts);
    stream.read_message_max(rules.max_message_bytes);
    stream.text(true);
    beast::get_lowest_layer(stream).expires_never(); // the stream has timeouts of its own
  }

  void over(end why) {
    if (ended == end::open)
      ended = why;
  }

  const websocket_rules rules;
  ws::stream<beast::tcp_stream> stream;
  beast::flat_buffer buffer;
  asio::steady_timer write_deadline;
  asio::steady_timer close_deadline;
  asio::steady_timer gone; // cancelled when closing is done
  end ended = end::open;
  bool closing = false;
  bool closed = false;
};

websocket::websocket(asio::ip::tcp::socket socket, const websocket_rules& rules)
  : state_(std::make_unique<state>(std::move(socket), rules)) {}

websocket::~websocket() = default;

websocket::end websocket::ended() const noexcept { return state_->ended; }

void websocket::limit_messages(std::size_t bytes) { state_->stream.read_message_max(bytes); }

template <class Request>
asio::awaitable<bool> websocket::accept(Request& request) {
  auto self = shared_from_this();
  error_code ec;
  co_await state_->stream.async_accept(request, into(ec));
  if (ec)
    state_->over(end::by_peer);
  co_return !ec;
}

template asio::awaitable<bool> websocket::accept(beast::http::request<beast::http::string_body>&);

asio::awaitable<std::optional<std::string>> websocket::read() {
  auto self = shared_from_this();
  if (state_->closing)
    co_return std::nullopt;
  error_code ec;
  state_->buffer.clear();
  co_await state_->stream.async_read(state_->buffer, into(ec));
  if (ec) {
    state_->over(ec == beast::error::timeout ? end::slow : end::by_peer);
    co_return std::nullopt;
  }
  co_return beast::buffers_to_string(state_->buffer.data());
}

asio::awaitable<bool> websocket::write(std::string text) {
  auto self = shared_from_this();
  if (state_->closing)
    co_return false;
  state_->write_deadline.expires_after(state_->rules.write_timeout);
  state_->write_deadline.async_wait([weak = weak_from_this()](error_code cancelled) {
    auto late = cancelled ? nullptr : weak.lock();
    if (late == nullptr)
      return;
    late->state_->over(end::slow);
    late->cut();
  });
  error_code ec;
  co_await state_->stream.async_write(asio::buffer(text), into(ec));
  state_->write_deadline.cancel();
  if (ec)
    state_->over(end::by_peer);
  co_return !ec;
}

asio::awaitable<void> websocket::close(std::uint16_t code, std::string reason) {
  auto self = shared_from_this();
  error_code ec;
  if (state_->closing) {
    if (!state_->closed)
      co_await state_->gone.async_wait(into(ec));
    co_return;
  }
  state_->closing = true;
  if (state_->stream.is_open()) {
    state_->over(end::by_us);
    ws::close_reason why{code};
    auto shown = reason.substr(0, max_reason_bytes);
    why.reason.assign(shown.data(), shown.size());
    limit_closing();
    co_await state_->stream.async_close(why, into(ec));
    state_->close_deadline.cancel();
  }
  cut();
  state_->closed = true;
  state_->gone.cancel();
}

// Instead of the stream's own timeouts: Beast 1.74 asserts that a read which waits for the closing handshake never
// sees it time out.
void websocket::limit_closing() {
  ws::stream_base::timeout unlimited{ws::stream_base::none(), ws::stream_base::none(), false};
  state_->stream.set_option(unlimited);
  state_->close_deadline.expires_after(state_->rules.handshake_timeout);
  state_->close_deadline.async_wait([weak = weak_from_this()](error_code cancelled) {
    auto late = cancelled ? nullptr : weak.lock();
    if (late != nullptr)
      late->cut();
  });
}

// close() takes its own share only once it runs, and what is spawned may run after the last other one has gone.
void websocket::begin_close(std::uint16_t code, std::string reason) {
  auto closing = [](std::shared_ptr<websocket> self, std::uint16_t c, std::string r) -> asio::awaitable<void> {
    co_await self->close(c, std::move(r));
  };
  asio::co_spawn(state_->stream.get_executor(), closing(shared_from_this(), code, std::move(reason)), asio::detached);
}

void websocket::cut() { beast::get_lowest_layer(state_->stream).close(); }

} // namespace mana::http
