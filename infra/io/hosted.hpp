// hosted<Base>: an event-based actor whose handlers run on an io_loop.
//
// Messages arrive in the mailbox from any thread as always, but the loop's thread resumes the
// actor. So its handlers, coroutines and Asio completion handlers never run at the same time: a
// completion may deliver a promise, send, or touch the actor's members.
//
// The destructor is the exception: it runs on whichever thread drops the last reference. What the
// loop's handlers use is let go in on_exit().
#pragma once

#include "infra/io/io_loop.hpp"

#include <caf/mailbox_element.hpp>

#include <utility>

namespace mana {

template <class Base>
class hosted : public Base {
public:
  template <class... Ts>
  hosted(caf::actor_config& cfg, io_loop& loop, Ts&&... xs) : Base(cfg, std::forward<Ts>(xs)...), loop_(loop) {}

  using Base::enqueue;

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    Base::enqueue(std::move(what), &loop_.unit());
  }
  void launch(caf::execution_unit*, bool lazy, bool hide) override { Base::launch(&loop_.unit(), lazy, hide); }
  caf::resumable::subtype_t subtype() const override { return caf::resumable::io_actor; }

protected:
  io_loop& loop() { return loop_; }

private:
  io_loop& loop_;
};

} // namespace mana
