#include "http/openapi_routes.hpp"

#include "embedded/openapi.hpp"

#include <memory>
#include <utility>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

namespace {

boost::asio::awaitable<response> answer(std::shared_ptr<const std::string> document) {
  response out;
  out.shared_body = std::move(document);
  co_return out;
}

} // namespace

std::string_view openapi_document() noexcept { return embedded::openapi; }

void add_openapi_routes(router& r) {
  auto document = std::make_shared<const std::string>(openapi_document());
  r.add("GET", "/openapi.json", [document](const request&) { return answer(document); });
}

} // namespace mana::http
