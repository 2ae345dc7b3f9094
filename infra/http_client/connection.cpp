#include "infra/http_client/connection.hpp"

#include <openssl/err.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace mana::net {

namespace asio = boost::asio;
using boost::system::error_code;

connection::~connection() {
  if (ssl_ && established_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get()); // sends close_notify; its answer is not waited for
    ERR_clear_error();
  }
}

asio::awaitable<error_code> connection::connect(asio::ip::tcp::endpoint to, call_control& call) {
  error_code ec;
  socket_.open(to.protocol(), ec);
  if (ec)
    co_return ec;
  call.watch(&socket_);
  co_await socket_.async_connect(to, into(ec));
  call.watch(nullptr);
  if (call.stopped() != stop_reason::none)
    co_return asio::error::operation_aborted;
  error_code ignored;
  if (!ec)
    socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  co_return ec;
}

bool connection::begin_tls(const tls_context& tls) {
  ssl_ = tls.session(socket_.native_handle());
  return ssl_ != nullptr;
}

io_step connection::try_handshake() {
  ERR_clear_error();
  auto step = tls_step(SSL_do_handshake(ssl_.get()));
  established_ = step.state == io_state::done;
  return step;
}

io_step connection::tls_step(int returned) {
  if (returned > 0)
    return {io_state::done, static_cast<std::size_t>(returned)};
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return {io_state::wait_read};
    case SSL_ERROR_WANT_WRITE: return {io_state::wait_write};
    case SSL_ERROR_ZERO_RETURN: return {io_state::closed};
    case SSL_ERROR_SSL:
      established_ = false;
      if (ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
        tls_detail_ = tls_failure(ssl_.get());
      ERR_clear_error();
      return {io_state::broken};
    default: // SSL_ERROR_SYSCALL: the socket failed
      established_ = false;
      ERR_clear_error();
      return {io_state::broken};
  }
}

io_step connection::try_read(std::span<char> into) {
  if (ssl_) {
    ERR_clear_error();
    return tls_step(SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX))));
  }
  for (;;) {
    auto n = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0)
      return {io_state::done, static_cast<std::size_t>(n)};
    if (n == 0)
      return {io_state::closed};
    if (errno != EINTR)
      return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_read : io_state::broken};
  }
}

io_step connection::try_write(std::string_view data) {
  if (ssl_) {
    ERR_clear_error();
    return tls_step(SSL_write(ssl_.get(), data.data(), static_cast<int>(std::min<std::size_t>(data.size(), INT_MAX))));
  }
  for (;;) {
    auto n = ::send(socket_.native_handle(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0)
      return {io_state::done, static_cast<std::size_t>(n)};
    if (errno != EINTR)
      return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_write : io_state::broken};
  }
}

asio::awaitable<bool> connection::ready(io_state direction, call_control& call) {
  if (call.stopped() != stop_reason::none)
    co_return false;
  error_code ec;
  auto what = direction == io_state::wait_write ? asio::socket_base::wait_write : asio::socket_base::wait_read;
  call.watch(&socket_);
  co_await socket_.async_wait(what, into(ec));
  call.watch(nullptr);
  co_return call.stopped() == stop_reason::none;
}

bool connection::still_open() {
  char byte = 0;
  if (ssl_) {
    // Session tickets may wait to be read; they are no end of the connection.
    ERR_clear_error();
    return tls_step(SSL_peek(ssl_.get(), &byte, 1)).state == io_state::wait_read;
  }
  auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

} // namespace mana::net
