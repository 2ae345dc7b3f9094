// endpoint_cache: the addresses of one host. Resolved once, by one lookup at a time however many
// calls wait for it, and again after the TTL (in the background, the old ones serve meanwhile) or
// after none of them could be reached (calls wait for the new ones). A lookup that fails leaves the
// old addresses in place.
#pragma once

#include "infra/http_client/call_control.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mana::net {

using endpoint = boost::asio::ip::tcp::endpoint;

// Resolves a name and calls `done` once, on the loop's thread.
using lookup_done = std::function<void(boost::system::error_code, std::vector<endpoint>)>;
using lookup_function = std::function<void(const std::string& host, std::uint16_t port, lookup_done done)>;

// The system's resolver. Asio runs it on one thread of its own per io_context.
lookup_function system_lookup(boost::asio::io_context& ctx);

class endpoint_cache {
public:
  using clock = call_control::clock;

  // An address as `host` is never looked up.
  endpoint_cache(std::string host, std::uint16_t port, clock::duration ttl, lookup_function lookup);
  endpoint_cache(const endpoint_cache&) = delete;
  endpoint_cache& operator=(const endpoint_cache&) = delete;

  // Waits until there are addresses worth trying, the lookup failed, or the call was stopped.
  boost::asio::awaitable<void> ready(call_control& call);

  // Best first; empty when the name does not resolve.
  const std::vector<endpoint>& addresses() const { return addresses_; }

  void reached(const endpoint& which); // it is tried first from now on
  void none_reached();

private:
  struct shared {
    endpoint_cache* owner;
  };

  void start_lookup();
  void finish_lookup(boost::system::error_code ec, std::vector<endpoint> found);

  std::string host_;
  std::uint16_t port_;
  clock::duration ttl_;
  lookup_function lookup_; // empty for an address
  std::vector<endpoint> addresses_;
  clock::time_point valid_until_{};
  bool unreachable_ = false;
  bool looking_up_ = false;
  std::vector<std::shared_ptr<call_control>> waiting_;
  std::shared_ptr<shared> self_; // a lookup may end after the cache did
};

} // namespace mana::net
