#include "infra/http_client/idle_pool.hpp"

namespace mana::net {

idle_pool::idle_pool(boost::asio::io_context& ctx, std::size_t max, clock::duration ttl)
  : max_(max), ttl_(ttl), timer_(ctx), self_(std::make_shared<shared>(shared{this})) {}

std::unique_ptr<connection> idle_pool::take() {
  close_expired();
  while (!idle_.empty()) {
    auto c = std::move(idle_.back());
    idle_.pop_back();
    if (c->still_open())
      return c;
  }
  return nullptr;
}

void idle_pool::give_back(std::unique_ptr<connection> c) {
  close_expired();
  if (idle_.size() >= max_)
    return;
  c->idle_since = clock::now();
  idle_.push_back(std::move(c));
  wait_for_expiry();
}

void idle_pool::clear() {
  idle_.clear();
  timer_.cancel();
}

void idle_pool::close_expired() {
  auto oldest = clock::now() - ttl_;
  while (!idle_.empty() && idle_.front()->idle_since <= oldest)
    idle_.pop_front();
}

void idle_pool::wait_for_expiry() {
  if (timer_runs_ || idle_.empty())
    return;
  timer_runs_ = true;
  timer_.expires_at(idle_.front()->idle_since + ttl_);
  timer_.async_wait([self = std::weak_ptr<shared>{self_}](boost::system::error_code) {
    auto alive = self.lock();
    if (!alive)
      return;
    auto& pool = *alive->owner;
    pool.timer_runs_ = false;
    pool.close_expired();
    pool.wait_for_expiry();
  });
}

} // namespace mana::net
