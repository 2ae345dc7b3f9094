#include "infra/http_client/call_control.hpp"

namespace mana::net {

void call_control::deadline(clock::time_point at, stop_reason why) {
  at_ = at;
  why_ = why;
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    // A handler of an earlier deadline may be queued already when the deadline is moved.
    if (!ec && clock::now() >= self->at_)
      self->stop(self->why_);
  });
}

void call_control::stop(stop_reason why) {
  if (stopped_ != stop_reason::none && stopped_ != stop_reason::address_timeout)
    return;
  stopped_ = why;
  if (socket_ != nullptr) {
    boost::system::error_code ignored;
    socket_->cancel(ignored);
  }
  gate_.cancel();
}

void call_control::forgive_address_timeout() {
  if (stopped_ == stop_reason::address_timeout)
    stopped_ = stop_reason::none;
}

void call_control::finish() {
  at_ = clock::time_point::max();
  timer_.cancel();
}

boost::asio::awaitable<void> call_control::pause() {
  boost::system::error_code ec;
  gate_.expires_at(clock::time_point::max());
  co_await gate_.async_wait(into(ec));
}

} // namespace mana::net
