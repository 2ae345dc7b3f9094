// idle_pool: connections that wait for their next call. Last in, first out: the warm ones are used,
// the cold ones pass their TTL and are closed, also when no call comes.
#pragma once

#include "infra/http_client/connection.hpp"

#include <deque>
#include <memory>

namespace mana::net {

class idle_pool {
public:
  using clock = connection::clock;

  idle_pool(boost::asio::io_context& ctx, std::size_t max, clock::duration ttl);
  idle_pool(const idle_pool&) = delete;
  idle_pool& operator=(const idle_pool&) = delete;

  // The warmest one that the peer has not closed; nullptr when there is none.
  std::unique_ptr<connection> take();
  void give_back(std::unique_ptr<connection> c);
  void clear();
  std::size_t size() const { return idle_.size(); }

private:
  struct shared {
    idle_pool* owner;
  };

  void close_expired();
  void wait_for_expiry();

  std::size_t max_;
  clock::duration ttl_;
  boost::asio::steady_timer timer_;
  bool timer_runs_ = false;
  std::deque<std::unique_ptr<connection>> idle_; // coldest first
  std::shared_ptr<shared> self_;                 // the timer's handler may run after the pool ended
};

} // namespace mana::net
