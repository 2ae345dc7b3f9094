#include "infra/http_client/endpoint_cache.hpp"

#include "infra/http_client/url.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace mana::net {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

lookup_function system_lookup(boost::asio::io_context& ctx) {
  auto resolver = std::make_shared<tcp::resolver>(ctx);
  return [resolver](const std::string& host, std::uint16_t port, lookup_done done) {
    resolver->async_resolve(host, std::to_string(port), tcp::resolver::numeric_service,
                            [done = std::move(done)](error_code ec, tcp::resolver::results_type results) {
                              done(ec, {results.begin(), results.end()});
                            });
  };
}

endpoint_cache::endpoint_cache(std::string host, std::uint16_t port, clock::duration ttl, lookup_function lookup)
  : host_(std::move(host)), port_(port), ttl_(ttl), self_(std::make_shared<shared>(shared{this})) {
  if (!is_address(host_)) {
    lookup_ = std::move(lookup);
    return;
  }
  error_code ec;
  auto address = boost::asio::ip::make_address(host_, ec);
  if (!ec)
    addresses_.emplace_back(address, port_);
}

boost::asio::awaitable<void> endpoint_cache::ready(call_control& call) {
  if (!lookup_ || call.stopped() != stop_reason::none)
    co_return;
  bool usable = !addresses_.empty() && !unreachable_;
  if (!looking_up_ && (!usable || clock::now() >= valid_until_))
    start_lookup();
  if (usable)
    co_return;
  while (looking_up_ && call.stopped() == stop_reason::none) {
    waiting_.push_back(call.shared_from_this());
    co_await call.pause();
  }
}

void endpoint_cache::start_lookup() {
  looking_up_ = true;
  std::weak_ptr<shared> self = self_;
  lookup_(host_, port_, [self](error_code ec, std::vector<endpoint> found) {
    if (auto alive = self.lock())
      alive->owner->finish_lookup(ec, std::move(found));
  });
}

void endpoint_cache::finish_lookup(error_code ec, std::vector<endpoint> found) {
  looking_up_ = false;
  if (!ec && !found.empty()) {
    addresses_ = std::move(found);
    valid_until_ = clock::now() + ttl_;
    unreachable_ = false;
  }
  for (auto& call : std::exchange(waiting_, {}))
    call->resume();
}

void endpoint_cache::reached(const endpoint& which) {
  if (!addresses_.empty() && addresses_.front() == which)
    return;
  if (auto i = std::find(addresses_.begin(), addresses_.end(), which); i != addresses_.end())
    std::rotate(addresses_.begin(), i, i + 1);
}

void endpoint_cache::none_reached() { unreachable_ = true; }

} // namespace mana::net
