#include "http/server/connection.hpp"

#include "http/server/error_response.hpp"
#include "infra/log/log.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

namespace beast = boost::beast;
using boost::system::error_code;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds linger_timeout{2};

bool has_field(const response& r, std::string_view name) {
  return std::any_of(r.headers.begin(), r.headers.end(), [&](auto& field) { return field.first == name; });
}

bool is_field_value(std::string_view s) {
  return std::none_of(s.begin(), s.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

} // namespace

std::string head_of(const response& r, bool keep_alive) {
  auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(r.status));
  std::string out = "HTTP/1.1 " + std::to_string(r.status) + ' ';
  out.append(reason.data(), reason.size()) += "\r\n";
  auto add = [&](std::string_view name, std::string_view value) {
    if (is_field_value(name) && is_field_value(value))
      ((((out += name) += ": ") += value) += "\r\n");
  };
  if (r.status != 204 && r.status != 304) {
    add("Content-Type", r.content_type);
    add("Content-Length", std::to_string(r.content().size()));
  }
  add("X-Content-Type-Options", "nosniff");
  if (!has_field(r, "Cache-Control"))
    add("Cache-Control", "no-store");
  add("Connection", keep_alive ? "keep-alive" : "close");
  for (auto& [name, value] : r.headers)
    add(name, value);
  return out += "\r\n";
}

server::connection::connection(core& c, asio::ip::tcp::socket socket)
  : core_(c), stream_(std::move(socket)), delay_(stream_.get_executor()) {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay{true}, ignored);
  auto peer = stream_.socket().remote_endpoint(ignored).address();
  if (!ignored)
    remote_address_ = peer.to_string();
}

asio::awaitable<void> server::connection::run() {
  bool keep = true;
  for (bool is_fresh = true; keep && !core_.stopping; is_fresh = false) {
    phase_ = phase::idle;
    if (!co_await wait_for_first_byte(is_fresh))
      break;
    phase_ = phase::busy;
    keep = co_await serve_one();
    if (buffer_.size() == 0)
      buffer_.shrink_to_fit(); // overwrites the request
  }
  phase_ = phase::idle;
  close();
}

asio::awaitable<bool> server::connection::wait_for_first_byte(bool is_fresh) {
  if (buffer_.size() > 0)
    co_return true; // of a pipelined request
  error_code ec;
  stream_.expires_after(is_fresh ? core_.cfg.header_timeout : core_.cfg.idle_timeout);
  auto n = co_await stream_.async_read_some(buffer_.prepare(4096), into(ec));
  buffer_.commit(n);
  co_return !ec;
}

// False when the connection is not to be used again.
asio::awaitable<bool> server::connection::serve_one() {
  request_parser p;
  set_limits(p, core_.cfg);
  auto rejection = co_await read(p);
  if (!rejection && !p.is_done())
    co_return false;
  auto received_at = clock::now();
  auto parent = trace_parent(p);
  auto span = core_.cfg.tracer.start(parent, parent.valid());
  std::string method{p.get().method_string()};
  bool keep_alive = !rejection && p.keep_alive();
  auto answer = co_await answered(p, rejection, span);
  end_large_body();
  if (answer.websocket) {
    core_.observe(method, answer, clock::now() - received_at, span);
    co_await upgrade(p, std::move(answer.websocket));
    co_return false;
  }
  if (answer.hang) {
    co_await wait_until_closed();
    co_return false;
  }
  if (answer.delay.count() > 0) {
    error_code cancelled;
    delay_.expires_after(answer.delay);
    co_await delay_.async_wait(into(cancelled));
  }
  core_.observe(method, answer, clock::now() - received_at, span);
  keep_alive = keep_alive && !rejection && !core_.draining && !core_.stopping && !answer.cut_after;
  bool sent = co_await send(answer, method == "HEAD", keep_alive);
  if (sent && rejection)
    co_await linger();
  co_return sent&& keep_alive;
}

// Without a rejection the request was read to its end. What the request's head is refused for becomes
// the rejection.
asio::awaitable<response> server::connection::answered(request_parser& p, std::optional<response>& rejection,
                                                       const started_span& span) {
  header_list added;
  if (p.is_header_done()) {
    auto req = request_head(p);
    if (req && core_.cfg.added_headers)
      added = core_.cfg.added_headers(*req);
    if (!req && !rejection)
      rejection = error_response(req.error());
    if (!rejection) {
      req->body = std::move(p.get().body());
      req->remote_address = remote_address_;
      req->trace = span.context;
      auto answer = co_await handled(std::move(*req), span);
      std::move(added.begin(), added.end(), std::back_inserter(answer.headers));
      co_return answer;
    }
  }
  std::move(added.begin(), added.end(), std::back_inserter(rejection->headers));
  co_return *rejection;
}

// The answer when the request is refused. Nothing, and the parser is not done: the connection is over.
// Deadlines are absolute: they do not move when another byte arrives.
asio::awaitable<std::optional<response>> server::connection::read(request_parser& p) {
  error_code ec;
  auto begun = clock::now();
  stream_.expires_at(begun + core_.cfg.header_timeout);
  co_await beast::http::async_read_header(stream_, buffer_, p, into(ec));
  if (!ec) {
    if (auto refused = refused_header(p))
      co_return refused;
    stream_.expires_at(begun + core_.cfg.request_timeout);
    if (auto refused = co_await judged_body(p))
      co_return refused;
    if (beast::iequals(p.get()[beast::http::field::expect], "100-continue") && !p.is_done())
      co_await send_continue();
    co_await beast::http::async_read(stream_, buffer_, p, into(ec));
  }
  co_return ec ? refused_bytes(ec) : std::nullopt;
}

// Sets the limit of the route, and answers when the body may not be read.
asio::awaitable<std::optional<response>> server::connection::judged_body(request_parser& p) {
  auto length = p.content_length();
  p.body_limit(core_.cfg.max_body_bytes);
  if (!p.chunked() && (!length || *length <= core_.cfg.max_body_bytes))
    co_return std::nullopt;
  auto head = request_head(p);
  auto* rule = head && core_.cfg.body_rule_of ? core_.cfg.body_rule_of(*head) : nullptr;
  if (length && *length > (rule == nullptr ? core_.cfg.max_body_bytes : rule->max_bytes))
    co_return body_too_large();
  if (rule == nullptr)
    co_return std::nullopt;
  if (core_.large_bodies >= core_.cfg.max_large_bodies)
    co_return error_response(503, "OVERLOADED", "too many large requests; try again later");
  has_large_body_ = true;
  ++core_.large_bodies;
  if (auto refused = co_await rule->admit(*head)) {
    end_large_body();
    co_return refused;
  }
  p.body_limit(rule->max_bytes);
  co_return std::nullopt;
}

void server::connection::end_large_body() {
  if (std::exchange(has_large_body_, false))
    --core_.large_bodies;
}

asio::awaitable<void> server::connection::send_continue() {
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code ec; // a broken connection shows at the next read
  co_await asio::async_write(stream_, asio::buffer(text.data(), text.size()), into(ec));
}

asio::awaitable<response> server::connection::handled(request req, const started_span& span) {
  stream_.expires_never();
  req.when_client_is_gone = [this](std::function<void()> then) { watch_client(std::move(then)); };
  std::string reason;
  try {
    auto answer = co_await core_.handle(std::move(req));
    stop_watching();
    co_return answer;
  } catch (const std::exception& e) {
    reason = e.what();
  } catch (...) {
    reason = "an exception of unknown type";
  }
  stop_watching();
  log::error("http_handler_failed",
             {{"reason", reason}, {"trace_id", span.context.trace}, {"span_id", span.context.span}});
  co_return internal_error();
}

// Outlives the connection where its last completion is still queued.
struct server::connection::client_watch {
  std::function<void()> gone; // empty: nobody wants to know any more
};

// Data that comes early belongs to the next request: whoever sends it is there, and is not watched any longer.
void server::connection::watch_client(std::function<void()> gone) {
  stop_watching();
  watch_ = std::make_shared<client_watch>(client_watch{std::move(gone)});
  auto& socket = stream_.socket();
  socket.async_wait(asio::ip::tcp::socket::wait_read, [watch = watch_, &socket](error_code ec) {
    if (!watch->gone)
      return;
    std::array<char, 1> next;
    if (!ec)
      socket.receive(asio::buffer(next), asio::ip::tcp::socket::message_peek, ec);
    if (ec)
      std::exchange(watch->gone, nullptr)();
  });
}

void server::connection::stop_watching() {
  if (!watch_)
    return;
  watch_->gone = nullptr;
  watch_.reset();
  error_code ignored;
  stream_.socket().cancel(ignored);
}

asio::awaitable<bool> server::connection::send(const response& r, bool without_body, bool keep_alive) {
  auto head = head_of(r, keep_alive);
  auto size = without_body || r.status == 204 || r.status == 304 ? 0 : r.content().size();
  size = std::min(size, r.cut_after.value_or(size));
  std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(r.content().data(), size)};
  error_code ec;
  stream_.expires_after(core_.cfg.write_timeout);
  co_await asio::async_write(stream_, parts, into(ec));
  co_return !ec;
}

// The session ends by itself, or because the socket is closed; the socket's deadlines are its own.
asio::awaitable<void> server::connection::upgrade(request_parser& p, websocket_session session) {
  phase_ = phase::idle;
  // Who sends before the handshake is answered speaks another protocol.
  if (buffer_.size() > 0 || core_.stopping)
    co_return;
  socket_ = std::make_shared<websocket>(stream_.release_socket(), core_.cfg.sockets);
  bool accepted = co_await socket_->accept(p.get());
  if (accepted) {
    auto work = session(socket_);
    co_await std::move(work);
  }
  co_await socket_->close(1000, "");
}

// For a response that never comes: until the client or the server's stop closes the connection.
asio::awaitable<void> server::connection::wait_until_closed() {
  phase_ = phase::idle;
  stream_.expires_never();
  error_code ec;
  std::array<char, 512> ignored;
  while (!ec && !core_.stopping)
    co_await stream_.async_read_some(asio::buffer(ignored), into(ec));
}

// Closing with unread data in the socket resets the connection, and the client may lose the answer:
// read what still comes, for a while.
asio::awaitable<void> server::connection::linger() {
  phase_ = phase::idle;
  error_code ec;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  stream_.expires_after(linger_timeout);
  std::array<char, 4096> ignored;
  while (!ec && !core_.stopping)
    co_await stream_.async_read_some(asio::buffer(ignored), into(ec));
}

void server::connection::close() {
  error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  stream_.close();
}

void server::connection::close_if_idle() {
  if (socket_)
    socket_->begin_close(1001, "the service stops");
  else if (phase_ == phase::idle)
    cut();
}

void server::connection::cut() {
  stream_.close();
  delay_.cancel();
  if (socket_)
    socket_->cut();
}

} // namespace mana::http
