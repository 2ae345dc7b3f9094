// Requests as bytes, on the path that the server takes apart from sockets: parser with its limits, head,
// target, added headers, router, handlers, and the head of the response.
#include "http/server/bearer.hpp"
#include "http/server/connection.hpp"
#include "http/server/cors.hpp"
#include "http/server/error_response.hpp"
#include "http/server/router.hpp"
#include "http/sign_in_routes.hpp"
#include "tests/fuzz/require.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace mana;
using boost::asio::awaitable;
using mana::fuzz::require;

namespace {

awaitable<http::response> who_am_i(http::identity_check check, http::request req) {
  auto user = co_await check(req);
  http::response out;
  out.status = 200;
  out.body = user ? user->value : user.error().detail;
  co_return out;
}

awaitable<http::response> credentials(http::request req) {
  auto given = http::take_credentials(req.body);
  if (!given)
    co_return http::error_response(given.error());
  http::response out;
  out.status = 204;
  out.headers.emplace_back("X-Cookie", std::string{http::cookie_of(req, "mana_refresh")});
  co_return out;
}

http::handler make_routes() {
  auto check =
      http::bearer_check(http::no_keys("no keys here"), {{"https://issuer.test"}, "mana"}, [] { return timestamp{}; });
  http::router routes;
  routes.add("GET", "/api/v1/me/{what}", [check](http::request r) { return who_am_i(check, std::move(r)); });
  routes.add("POST", "/api/v1/auth/login", [](http::request r) { return credentials(std::move(r)); });
  return routes.as_handler();
}

http::response answer(http::request_parser& p) {
  static const auto routes = make_routes();
  auto req = http::request_head(p);
  if (!req)
    return http::error_response(req.error());
  auto added = http::cors_headers({"https://app.test"}, *req);
  req->body = std::move(p.get().body());
  http::response out;
  bool done = false;
  boost::asio::io_context context;
  auto run = [&]() -> awaitable<void> {
    out = co_await routes(std::move(*req));
    done = true;
  };
  boost::asio::co_spawn(context, run, boost::asio::detached);
  context.run();
  require(done); // a handler that neither answers nor waits for anything
  out.headers.insert(out.headers.end(), added.begin(), added.end());
  return out;
}

// A header field of the response must not be two: nothing from outside ends a line.
void check_head(const http::response& r) {
  auto head = http::head_of(r, true);
  require(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::server_config limits;
  limits.max_header_bytes = 4096;
  limits.max_body_bytes = 4096;
  http::request_parser p;
  http::set_limits(p, limits);
  p.eager(true);
  boost::asio::const_buffer rest{data, size};
  boost::system::error_code ec;
  while (!ec && !p.is_done() && rest.size() > 0) {
    auto used = p.put(rest, ec);
    if (used == 0 && !ec)
      break;
    rest += used;
  }
  if (ec) {
    if (auto refused = http::refused_bytes(ec))
      check_head(*refused);
    return 0;
  }
  if (!p.is_header_done())
    return 0;
  if (auto refused = http::refused_header(p))
    check_head(*refused);
  else if (p.is_done())
    check_head(answer(p));
  return 0;
}
