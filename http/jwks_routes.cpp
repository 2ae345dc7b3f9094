#include "http/jwks_routes.hpp"

#include <utility>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

namespace {

boost::asio::awaitable<response> answer(std::string jwks) {
  response out;
  out.body = std::move(jwks);
  co_return out;
}

} // namespace

void add_jwks_route(router& r, std::string jwks) {
  r.add("GET", "/api/v1/auth/jwks", [jwks = std::move(jwks)](const request&) { return answer(jwks); });
}

} // namespace mana::http
