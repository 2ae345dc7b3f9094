// io_loop: one io_context run by one thread, plus the execution unit that lets actors live on it.
//
// One thread per io_context means no strands and no locks: sockets, timers, coroutines and hosted
// actors of one loop may touch each other directly. A second core takes a second io_loop.
#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <thread>

namespace mana {

// Runs hosted actors on the loop and passes all other actors on to CAF's scheduler, as the
// multiplexer of caf::io does for its brokers.
class asio_execution_unit final : public caf::execution_unit {
public:
  asio_execution_unit(caf::actor_system& sys, boost::asio::io_context& ctx) : caf::execution_unit(&sys), ctx_(ctx) {}

  // Called from any thread by enqueue() of a hosted actor, and by actors that run on this unit for
  // whoever they woke up.
  void exec_later(caf::resumable* job) override {
    if (job->subtype() == caf::resumable::io_actor)
      boost::asio::post(ctx_, [this, job] { run(job); });
    else
      system().scheduler().enqueue(job);
  }

private:
  static constexpr std::size_t max_messages_per_run = 64; // then sockets get a turn

  void run(caf::resumable* job) {
    switch (job->resume(this, max_messages_per_run)) {
      case caf::resumable::resume_later: exec_later(job); break;
      case caf::resumable::shutdown_execution_unit: break;
      default: caf::intrusive_ptr_release(job); // the reference that enqueue() took
    }
  }

  boost::asio::io_context& ctx_;
};

class io_loop {
public:
  explicit io_loop(caf::actor_system& sys) : unit_(sys, ctx_) {
    thread_ = std::thread{[this] { ctx_.run(); }};
  }
  io_loop(const io_loop&) = delete;
  io_loop& operator=(const io_loop&) = delete;
  ~io_loop() { join(); }

  // Returns when every operation on the loop has completed.
  void join() {
    work_.reset();
    if (thread_.joinable())
      thread_.join();
  }

  boost::asio::io_context& context() { return ctx_; }
  boost::asio::io_context::executor_type executor() { return ctx_.get_executor(); }
  asio_execution_unit& unit() { return unit_; }

private:
  boost::asio::io_context ctx_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{ctx_.get_executor()};
  asio_execution_unit unit_;
  std::thread thread_;
};

} // namespace mana
