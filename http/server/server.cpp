#include "http/server/server.hpp"

#include "http/server/connection.hpp"
#include "http/server/error_response.hpp"
#include "infra/log/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace mana::http {

using asio::ip::tcp;
using boost::system::error_code;

server::core::core(asio::io_context& context, server_config c, handler h)
  : cfg(std::move(c)), handle(std::move(h)), acceptor(context), accept_pause(context), grace_timer(context) {}

void server::core::observe(std::string_view method, const response& r, std::chrono::nanoseconds duration,
                           const started_span& span) const {
  if (!cfg.observe)
    return;
  exchange e;
  e.method = method;
  e.route = r.route;
  e.status = r.status;
  e.duration = duration;
  e.span = span;
  cfg.observe(e);
}

void server::core::begin_stop(std::chrono::milliseconds grace, const std::shared_ptr<core>& self) {
  if (stopping)
    return;
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  accept_pause.cancel();
  for (auto& c : connections)
    c->close_if_idle();
  grace_timer.expires_after(grace);
  grace_timer.async_wait([self](error_code ec) {
    if (!ec)
      self->cut_all();
  });
  finish_if_done();
}

void server::core::finish_if_done() {
  if (!stopping || accepting || !connections.empty())
    return;
  grace_timer.cancel();
  if (!std::exchange(reported, true))
    done.set_value({});
}

// Reports at once: a handler that still waits for an actor ends when that answers.
void server::core::cut_all() {
  stopped result;
  for (auto& c : connections) {
    result.cut += c->is_busy() ? 1 : 0;
    c->cut();
  }
  if (!std::exchange(reported, true))
    done.set_value(result);
}

namespace {

// A new socket's send buffer is empty, so this cannot block.
void refuse(tcp::socket socket, const response& r) {
  error_code ignored;
  auto text = head_of(r, false) + r.body;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(tcp::socket::shutdown_both, ignored);
}

failure cannot_listen(const server_config& cfg, const error_code& ec) {
  return {errc::config_invalid,
          "cannot listen on " + cfg.address + " port " + std::to_string(cfg.port) + ": " + ec.message()};
}

} // namespace

asio::awaitable<void> server::accept_connections(std::shared_ptr<core> c) {
  const auto full = error_response(503, "OVERLOADED", "too many connections; try again later");
  while (!c->stopping) {
    error_code ec;
    auto socket = co_await c->acceptor.async_accept(into(ec));
    if (c->stopping)
      break;
    if (ec) { // out of file descriptors, most likely: do not spin
      c->accept_pause.expires_after(std::chrono::milliseconds{50});
      co_await c->accept_pause.async_wait(into(ec));
    } else if (c->connections.size() >= c->cfg.max_connections) {
      refuse(std::move(socket), full);
      c->observe("", full, {}, {});
    } else {
      auto conn = std::make_shared<connection>(*c, std::move(socket));
      c->connections.insert(conn);
      asio::co_spawn(c->acceptor.get_executor(), serve(c, conn), asio::detached);
    }
  }
  c->accepting = false;
  c->finish_if_done();
}

asio::awaitable<void> server::serve(std::shared_ptr<core> c, std::shared_ptr<connection> conn) {
  try {
    co_await conn->run();
  } catch (const std::exception& e) { // out of memory, or the observer
    log::error("http_connection_failed", {{"reason", e.what()}});
    conn->cut();
  }
  c->connections.erase(conn);
  c->finish_if_done();
}

result<std::unique_ptr<server>> server::start(io_loop& loop, server_config cfg, handler h) {
  auto c = std::make_shared<core>(loop.context(), std::move(cfg), std::move(h));
  error_code ec;
  tcp::endpoint endpoint{asio::ip::make_address(c->cfg.address, ec), c->cfg.port};
  if (!ec)
    c->acceptor.open(endpoint.protocol(), ec);
  if (!ec)
    c->acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
  if (!ec)
    c->acceptor.bind(endpoint, ec);
  if (!ec)
    c->acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return cannot_listen(c->cfg, ec);
  std::unique_ptr<server> out{new server{c}};
  asio::co_spawn(loop.executor(), accept_connections(c), asio::detached);
  return out;
}

server::server(std::shared_ptr<core> c) : core_(std::move(c)), port_(core_->acceptor.local_endpoint().port()) {}

server::~server() { stop(std::chrono::milliseconds{0}); }

void server::drain() {
  asio::post(core_->acceptor.get_executor(), [c = core_] { c->draining = true; });
}

std::shared_future<server::stopped> server::stop(std::chrono::milliseconds grace) {
  asio::post(core_->acceptor.get_executor(), [c = core_, grace] { c->begin_stop(grace, c); });
  return core_->done_future;
}

} // namespace mana::http
