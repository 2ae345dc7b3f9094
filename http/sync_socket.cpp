#include "http/sync_socket.hpp"

#include "actors/session_registry/session_outbox.hpp"
#include "http/server/websocket.hpp"
#include "infra/io/ask.hpp"
#include "infra/json/value.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::uint16_t close_unauthorized = 4401;
constexpr std::uint16_t close_restart = 1012;
constexpr std::uint16_t close_try_later = 1013;
constexpr std::size_t max_message_bytes = 4 * 1024;

struct session {
  session(sync_front_ptr f, websocket_ptr ws, const asio::any_io_executor& executor)
    : front(std::move(f)), socket(std::move(ws)), wake(executor) {}

  const sync_front_ptr front;
  const websocket_ptr socket;
  asio::steady_timer wake; // waits for something to say, or the end of the token
  std::shared_ptr<session_outbox> outbox;
  clock::time_point expires_at;
  bool over = false; // the client has gone
};
using session_ptr = std::shared_ptr<session>;

std::string message_of(const session_outbox::item& i) {
  json::array tables;
  for (auto& t : i.tables)
    tables.emplace_back(t);
  return json::to_text(json::object{{"type", "sync-available"}, {"appId", i.app}, {"tables", std::move(tables)}});
}

// The token of the first message.
result<std::string> token_in(const std::optional<std::string>& message) {
  if (!message)
    return failure{errc::unauthorized, "no token came"};
  auto document = json::parse(*message);
  if (!document || document->text("type") != "auth" || document->text("token").empty())
    return failure{errc::unauthorized, "the first message must be {\"type\":\"auth\",\"token\"}"};
  return std::string{document->text("token")};
}

awaitable<result<jwt::claims>> sign_in(session_ptr s) {
  s->wake.expires_after(s->front->sign_in_within);
  s->wake.async_wait([socket = s->socket](error_code cancelled) {
    if (!cancelled)
      socket->begin_close(close_unauthorized, "no token came in time");
  });
  auto message = co_await s->socket->read();
  s->wake.cancel();
  s->socket->limit_messages(max_message_bytes);
  auto token = token_in(message);
  if (!token)
    co_return token.error();
  co_return co_await s->front->claims_of(std::move(*token));
}

// Reading is what notices that the client has gone, and what answers its pings.
awaitable<void> hear(session_ptr s) {
  // Not in a condition: g++ 12 loses the frame of a coroutine that is awaited in one.
  for (bool open = true; open;) {
    auto message = co_await s->socket->read();
    open = message.has_value();
  }
  s->over = true;
  s->wake.cancel();
}

// Until the connection is over; answers why, in the observer's words.
awaitable<std::string_view> tell(session_ptr s) {
  while (!s->over) {
    if (clock::now() >= s->expires_at) {
      co_await s->socket->close(close_unauthorized, "the token has expired; connect anew");
      co_return "expired";
    }
    if (auto next = s->outbox->take()) {
      auto text = message_of(*next);
      bool written = co_await s->socket->write(std::move(text));
      if (!written)
        break;
      if (s->front->observer.message_sent)
        s->front->observer.message_sent();
    } else if (s->outbox->is_closed()) {
      co_await s->socket->close(close_restart, "connect anew");
      co_return "restart";
    } else {
      error_code woken;
      s->wake.expires_at(s->expires_at);
      co_await s->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
  }
  switch (s->socket->ended()) {
    case websocket::end::slow: co_return "slow";
    case websocket::end::by_us: co_return "restart";
    default: co_return "client";
  }
}

awaitable<std::string_view> serve_user(session_ptr s, jwt::claims claims) {
  s->expires_at = clock::now() + (claims.expires_at - s->front->now());
  s->outbox = std::make_shared<session_outbox>([weak = std::weak_ptr<session>{s}] {
    if (auto woken = weak.lock())
      woken->wake.cancel();
  });
  open_session question{user_id{std::move(claims.subject)}, s->outbox};
  auto registry = s->front->handles().sessions;
  auto opened = co_await ask<session_opened>(*s->front->system, registry, caf::infinite, question);
  if (!opened) {
    std::string advice = opened.error().code == errc::overloaded ? opened.error().detail : "try again later";
    co_await s->socket->close(close_try_later, std::move(advice));
    co_return "refused";
  }
  auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(executor, hear(s), asio::detached);
  std::string_view why = "client";
  std::string welcome = R"({"type":"auth-ok"})";
  bool written = co_await s->socket->write(std::move(welcome));
  if (written)
    why = co_await tell(s);
  caf::anon_send(registry, close_session{s->outbox});
  co_return why;
}

awaitable<void> serve(sync_front_ptr f, websocket_ptr socket) {
  auto executor = co_await asio::this_coro::executor;
  auto s = std::make_shared<session>(f, socket, executor);
  auto claims = co_await sign_in(s);
  std::string_view why = "unauthorized";
  if (claims) {
    why = co_await serve_user(s, std::move(*claims));
  } else {
    std::string advice = claims.error().detail;
    co_await socket->close(close_unauthorized, std::move(advice));
  }
  if (f->observer.socket_closed)
    f->observer.socket_closed(why);
}

} // namespace

websocket_session sync_socket(sync_front_ptr front) {
  return [front](websocket_ptr socket) { return serve(front, std::move(socket)); };
}

} // namespace mana::http
