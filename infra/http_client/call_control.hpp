// call_control: what can stop a call from outside while its coroutine waits: the deadline of its
// present phase, or a cancellation. The coroutine asks stopped() after every wait.
#pragma once

#include <utility> // Boost 1.74: asio/awaitable.hpp uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace mana::net {

enum class stop_reason : std::uint8_t {
  none,
  address_timeout, // this address's share of the connect time: the next one gets its turn
  connect_timeout,
  first_byte_timeout,
  total_timeout,
  cancelled
};

// Boost 1.74 has no as_tuple: redirect_error keeps exceptions out of the way.
inline auto into(boost::system::error_code& ec) { return boost::asio::redirect_error(boost::asio::use_awaitable, ec); }

class call_control : public std::enable_shared_from_this<call_control> {
public:
  using clock = std::chrono::steady_clock;

  explicit call_control(boost::asio::io_context& ctx) : timer_(ctx), gate_(ctx) {}

  // Replaces the deadline; `why` is what stopped() says once it has passed.
  void deadline(clock::time_point at, stop_reason why);
  // The first reason stays.
  void stop(stop_reason why);
  stop_reason stopped() const { return stopped_; }
  // Lets the call go on with the next address.
  void forgive_address_timeout();
  // No deadline from now on.
  void finish();

  // Waits until resume() or stop().
  boost::asio::awaitable<void> pause();
  void resume() { gate_.cancel(); }

  // The socket whose operations stop() aborts; nullptr for none.
  void watch(boost::asio::ip::tcp::socket* s) { socket_ = s; }

private:
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer gate_;
  boost::asio::ip::tcp::socket* socket_ = nullptr;
  clock::time_point at_ = clock::time_point::max();
  stop_reason why_ = stop_reason::none;
  stop_reason stopped_ = stop_reason::none;
};

} // namespace mana::net
