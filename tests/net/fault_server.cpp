#include "tests/net/fault_server.hpp"

#include "infra/json/value.hpp"

#include <utility> // before any asio/awaitable.hpp of Boost 1.74

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <set>

namespace mana::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using tls_stream = asio::ssl::stream<tcp::socket>;

namespace {

auto into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

std::size_t content_length(const std::string& head) {
  auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

std::string server_name(tcp::socket&) { return {}; }
std::string server_name(tls_stream& s) {
  const auto* name = SSL_get_servername(s.native_handle(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

} // namespace

std::string http_reply(unsigned status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size())
         + "\r\n\r\n" + body;
}

std::string chat_reply(const std::string& content) {
  json::object usage{{"prompt_tokens", 11}, {"completion_tokens", 22}};
  json::object message{{"role", "assistant"}, {"content", content}};
  json::object answer{{"choices", json::array{json::object{{"message", message}}}}, {"usage", usage}};
  return http_reply(200, json::to_text(answer));
}

struct fault_server::impl {
  impl(fault_server& s, script r, std::optional<identity> tls) : owner(s), run(std::move(r)) {
    if (tls) {
      ssl.emplace(asio::ssl::context::tls_server);
      ssl->use_certificate_chain(asio::buffer(tls->certificate));
      ssl->use_private_key(asio::buffer(tls->key), asio::ssl::context::pem);
    }
    gate.expires_at(std::chrono::steady_clock::time_point::max());
    acceptor.listen(4096);
    asio::co_spawn(ctx, accept(), asio::detached);
  }

  asio::awaitable<void> accept() {
    for (;;) {
      error_code ec;
      auto s = co_await acceptor.async_accept(into(ec));
      if (ec)
        co_return;
      if (ssl)
        asio::co_spawn(ctx, serve_tls(std::move(s)), asio::detached);
      else
        asio::co_spawn(ctx, serve(std::move(s)), asio::detached);
    }
  }

  asio::awaitable<void> serve_tls(tcp::socket socket) {
    tls_stream s{std::move(socket), *ssl};
    error_code ec;
    co_await s.async_handshake(asio::ssl::stream_base::server, into(ec));
    if (!ec)
      co_await serve_on(s);
  }
  asio::awaitable<void> serve(tcp::socket socket) { co_await serve_on(socket); }

  template <class Stream>
  asio::awaitable<void> serve_on(Stream& s) {
    auto* socket = &s.lowest_layer();
    struct presence {
      presence(impl& i, tcp::socket::lowest_layer_type* x) : self(i), socket(x) {
        self.sockets.insert(socket);
        self.owner.change([](auto& c) { ++c.connections, ++c.open; });
      }
      ~presence() {
        self.sockets.erase(socket);
        self.owner.change([](auto& c) { --c.open; });
      }
      impl& self;
      tcp::socket::lowest_layer_type* socket;
    } here{*this, socket};
    error_code ec;
    s.lowest_layer().set_option(tcp::no_delay{true}, ec);
    std::string buffer;
    while (co_await serve_one(s, buffer))
      ;
    s.lowest_layer().close(ec);
  }

  template <class Stream>
  asio::awaitable<bool> serve_one(Stream& s, std::string& buffer) {
    error_code ec;
    auto end = co_await asio::async_read_until(s, asio::dynamic_buffer(buffer), "\r\n\r\n", into(ec));
    if (ec)
      co_return false;
    seen_request seen;
    seen.head = buffer.substr(0, end);
    seen.server_name = server_name(s);
    buffer.erase(0, end);
    if (auto length = content_length(seen.head); buffer.size() < length) {
      co_await asio::async_read(s, asio::dynamic_buffer(buffer), asio::transfer_exactly(length - buffer.size()),
                                into(ec));
      if (ec)
        co_return false;
    }
    seen.body = std::exchange(buffer, {});
    seen.number = requests++;
    auto reply = run(seen);
    owner.change([](auto& c) { ++c.requests; });
    co_return co_await answer(s, reply);
  }

  // False: close the connection.
  template <class Stream>
  asio::awaitable<bool> answer(Stream& s, fault_reply& reply) {
    using kind = fault_reply::kind;
    error_code ec;
    if (reply.what == kind::hold && !released) {
      owner.change([](auto& c) { ++c.held; });
      co_await gate.async_wait(into(ec));
      owner.change([](auto& c) { --c.held; });
    }
    if (reply.what == kind::drip) {
      for (std::size_t i = 0; i < reply.text.size() && !ec; ++i)
        co_await asio::async_write(s, asio::buffer(reply.text.data() + i, 1), into(ec));
    } else if (reply.what != kind::hang) {
      co_await asio::async_write(s, asio::buffer(reply.text), into(ec));
    }
    if (ec || reply.what == kind::close)
      co_return false;
    if (reply.what == kind::hang || reply.what == kind::say_and_hang) {
      std::string ignored;
      co_await asio::async_read(s, asio::dynamic_buffer(ignored), into(ec));
      co_return false;
    }
    owner.change([](auto& c) { ++c.answers; });
    co_return true;
  }

  fault_server& owner;
  script run;
  std::optional<asio::ssl::context> ssl;
  std::set<tcp::socket::lowest_layer_type*> sockets;
  int requests = 0;
  bool released = false;
  asio::io_context ctx{1}; // ends before the above, which its coroutines use
  tcp::acceptor acceptor{ctx, {asio::ip::make_address("127.0.0.1"), 0}};
  asio::steady_timer gate{ctx};
  std::thread thread;
};

fault_server::fault_server(script s, std::optional<identity> tls)
  : impl_(std::make_unique<impl>(*this, std::move(s), std::move(tls))) {
  impl_->thread = std::thread{[this] { impl_->ctx.run(); }};
}

fault_server::~fault_server() {
  impl_->ctx.stop();
  impl_->thread.join();
}

unsigned short fault_server::port() const { return impl_->acceptor.local_endpoint().port(); }

std::string fault_server::url(const std::string& scheme, const std::string& host) const {
  return scheme + "://" + host + ":" + std::to_string(port());
}

fault_counts fault_server::counts() const {
  std::lock_guard lock{mutex_};
  return counts_;
}

bool fault_server::wait_for(const std::function<bool(const fault_counts&)>& condition) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, std::chrono::minutes{1}, [&] { return condition(counts_); });
}

void fault_server::change(const std::function<void(fault_counts&)>& f) {
  std::lock_guard lock{mutex_};
  f(counts_);
  changed_.notify_all();
}

void fault_server::release() {
  asio::post(impl_->ctx, [this] {
    impl_->released = true;
    impl_->gate.cancel();
  });
}

void fault_server::close_connections() {
  asio::post(impl_->ctx, [this] {
    for (auto* s : impl_->sockets) {
      error_code ignored;
      s->shutdown(tcp::socket::shutdown_both, ignored);
    }
  });
}

} // namespace mana::test
