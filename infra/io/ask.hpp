// From a coroutine to an actor and back:
//
//   list_missions question{user};
//   result<mission_list> r = co_await ask<mission_list>(system, directory, 5s, question);
//
// The message is taken from a named variable, which is left moved-from. That is on purpose: g++ 12
// miscompiles aggregate temporaries inside co_await expressions, and a non-const reference refuses
// them. One short-lived actor per question carries the request, so that CAF provides the timeout and
// the error when the receiver ends; the coroutine resumes on its own executor.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <utility> // Boost 1.74: asio/awaitable.hpp uses std::exchange without it

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

namespace mana {

// Gives a question up from outside: the receiver sees its requester end, and ask() fails with `cancelled`. Used on the
// coroutine's loop only.
class question_control {
public:
  void give_up() {
    given_up_ = true;
    if (requester_)
      caf::anon_send_exit(requester_, caf::exit_reason::user_shutdown);
  }
  bool given_up() const noexcept { return given_up_; }
  // For ask().
  void asked_by(caf::actor requester) { requester_ = std::move(requester); }

private:
  caf::actor requester_;
  bool given_up_ = false;
};
using question_control_ptr = std::shared_ptr<question_control>;

namespace detail {

// Holds the coroutine while an actor answers; complete() may be called from any thread.
template <class Reply, class Handler>
class suspended_question {
public:
  explicit suspended_question(Handler h)
    : handler_(std::move(h)), work_(boost::asio::get_associated_executor(handler_)) {}

  // The first one counts.
  void complete(result<Reply> r) {
    if (std::exchange(completed_, true))
      return;
    auto executor = work_.get_executor();
    boost::asio::post(executor, [h = std::move(handler_), r = std::move(r), w = std::move(work_)]() mutable {
      w.reset();
      h(std::move(r));
    });
  }

private:
  bool completed_ = false;
  Handler handler_; // move-only in Boost 1.74
  // Keeps the io_context running while only an actor knows about the coroutine.
  boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> work_;
};

inline failure unanswered(const caf::error& e) {
  if (e == caf::sec::request_timeout)
    return {errc::cancelled, "no answer in time"};
  return to_failure(e);
}

} // namespace detail

// `timeout` is a chrono duration, or caf::infinite for receivers with a deadline of their own. Fails
// with the receiver's error; cancelled when it ended or did not answer in time; shutting_down for an
// empty handle.
template <class Reply, class Handle, class Timeout, class Message>
boost::asio::awaitable<result<Reply>> ask(caf::actor_system& system, Handle receiver, Timeout timeout, Message& message,
                                          question_control_ptr control = nullptr) {
  if (!receiver)
    co_return failure{errc::shutting_down, "the service is starting or stopping"};
  if (control && control->given_up())
    co_return failure{errc::cancelled, "given up"};
  auto initiate = [&](auto handler) {
    using state = detail::suspended_question<Reply, decltype(handler)>;
    auto waiting = std::make_shared<state>(std::move(handler));
    // `waiting` is an argument because for functors without any CAF 0.17 binds a reference to null.
    auto requester = system.spawn(
        [receiver = std::move(receiver), limit = caf::duration{timeout}, message = std::move(message),
         ends = control != nullptr](caf::event_based_actor* self, const std::shared_ptr<state>& answer) mutable {
          if (ends)
            self->attach_functor([answer] { answer->complete(failure{errc::cancelled, "given up"}); });
          self->request(receiver, limit, std::move(message))
              .then([answer](Reply& r) { answer->complete(std::move(r)); },
                    [answer](caf::error& e) { answer->complete(detail::unanswered(e)); });
        },
        std::move(waiting));
    if (control)
      control->asked_by(std::move(requester));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(result<Reply>)>(
      initiate, boost::asio::use_awaitable);
}

} // namespace mana
